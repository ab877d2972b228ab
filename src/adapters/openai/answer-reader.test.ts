import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { toolCallsMax } from "../../core/limits.ts";
import type { Delta, ModelFailure } from "../../ports/models.ts";
import { answerBytesMax, answerCharsMax } from "./answer-limits.ts";
import { AnswerReader } from "./answer-reader.ts";

const encoder = new TextEncoder();

interface Outcome {
  readonly deltas: readonly Delta[];
  readonly failure: ModelFailure | undefined;
  readonly finished: boolean;
}

function readAll(...chunks: readonly Uint8Array[]): Outcome {
  const reader = new AnswerReader();
  const deltas: Delta[] = [];
  for (const chunk of chunks) deltas.push(...reader.read(chunk));
  deltas.push(...reader.end());
  return { deltas, failure: reader.failure?.failure, finished: reader.finished };
}

const event = (chunk: unknown): string => `data: ${JSON.stringify(chunk)}\n\n`;
const choice = (delta: object, finishReason: string | null = null): string =>
  event({ choices: [{ index: 0, delta, finish_reason: finishReason }] });
const done = "data: [DONE]\n\n";
const read = (...events: readonly string[]): Outcome => readAll(encoder.encode(events.join("")));
const finishOf = (outcome: Outcome): Delta | undefined => outcome.deltas.at(-1);
const usage = (prompt: unknown): string =>
  event({ choices: [], usage: { prompt_tokens: prompt, completion_tokens: 1 } });
const piece = (fields: object): string => choice({ tool_calls: [fields] });
const callsOf = ({ deltas }: Outcome): unknown[] =>
  deltas.flatMap((delta) => (delta.type === "toolCall" ? [delta.call] : []));
const call = (id: string, x: number): object => ({
  id,
  function: { name: "add", arguments: `{"x":${x}}` },
});
const textOf = ({ deltas }: Outcome): string =>
  deltas.map((delta) => (delta.type === "text" ? delta.text : "")).join("");

/** As LM Studio sends it, with what other servers do mixed in: comments, CRLF, usage in the last chunk. */
const recorded = [
  ": connected\r\n\r\n",
  choice({ role: "assistant", content: "" }),
  choice({ reasoning_content: "Hm, " }),
  choice({ reasoning: "so." }),
  `data: {"choices":[{"delta":{"content":"Grüße 👩‍👩‍👧 "},"finish_reason":null}]}\r\n\r\n`,
  choice({ content: "\ud83d" }),
  choice({ content: "\ude00 done" }),
  choice({
    tool_calls: [{ index: 0, id: "a", type: "function", function: { name: "add", arguments: "" } }],
  }),
  choice({ tool_calls: [{ index: 0, function: { arguments: '{"x":' } }] }),
  choice({ tool_calls: [{ index: 1, id: "b", function: { name: "now", arguments: "" } }] }),
  choice({ tool_calls: [{ index: 0, function: { arguments: "1}" } }] }),
  choice({}, "tool_calls"),
  event({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 } }),
  done,
].join("");

const recordedDeltas: readonly Delta[] = [
  { type: "reasoning", text: "Hm, " },
  { type: "reasoning", text: "so." },
  { type: "text", text: "Grüße 👩‍👩‍👧 " },
  { type: "text", text: "😀 done" },
  { type: "toolCall", call: { id: "a", name: "add", input: { x: 1 } } },
  { type: "toolCall", call: { id: "b", name: "now", input: {} } },
  { type: "usage", inputTokens: 12, outputTokens: 7 },
  { type: "finish", reason: "toolCalls" },
];

describe("a recorded stream", () => {
  const bytes = encoder.encode(recorded);

  test("[MODEL1] gives the same deltas at every split position", () => {
    for (let at = 0; at <= bytes.length; at++) {
      const outcome = readAll(bytes.subarray(0, at), bytes.subarray(at));
      expect(outcome.deltas, `split at ${at}`).toEqual(recordedDeltas);
    }
  });

  test("[MODEL1] gives the same deltas in single bytes and in random pieces", () => {
    expect(readAll(...[...bytes].map((byte) => Uint8Array.of(byte))).deltas).toEqual(
      recordedDeltas,
    );
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (sizes) => {
        const chunks: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(readAll(...chunks).deltas).toEqual(recordedDeltas);
      }),
    );
  });

  test("[MODEL4] cut anywhere it never finishes, and what came is a prefix", () => {
    const whole = textOf(readAll(bytes));
    const finishAt = recorded.indexOf('"finish_reason":"tool_calls"');
    for (let at = 0; at < encoder.encode(recorded.slice(0, finishAt)).length; at++) {
      const outcome = readAll(bytes.subarray(0, at));
      expect(outcome.finished, `cut at ${at}`).toBe(false);
      const phase = textOf(outcome) === "" ? /^prefill$|^generating$/ : /^generating$/;
      expect(outcome.failure, `cut at ${at}`).toMatch(phase);
      expect(whole.startsWith(textOf(outcome)), `cut at ${at}`).toBe(true);
    }
  });
});

describe("the end", () => {
  test.each([
    ["stop", "stop"],
    ["eos", "stop"],
    ["length", "length"],
    ["max_tokens", "length"],
    ["content_filter", "filter"],
  ])("[MODEL4] finish_reason %s means %s", (word, reason) => {
    expect(finishOf(read(choice({ content: "a" }, word), done))).toEqual({
      type: "finish",
      reason,
    });
  });

  test("[MODEL4] [DONE] alone and finish_reason alone are good ends", () => {
    expect(read(choice({ content: "a" }), done).finished).toBe(true);
    expect(read(choice({ content: "a" }, "stop")).finished).toBe(true);
  });

  test("[MODEL4] nothing after [DONE] is read", () => {
    const outcome = read(
      choice({ content: "a" }),
      done,
      choice({ content: "b" }),
      "data: {oops\n\n",
    );
    expect(textOf(outcome)).toBe("a");
    expect(outcome.failure).toBeUndefined();
  });

  test.each(["error", "abort", "insufficient_system_resource"])(
    "[MODEL4] finish_reason %s is an answer that is not whole",
    (word) => {
      expect(read(choice({}, word), done)).toMatchObject({ failure: "prefill", finished: false });
    },
  );

  test("[MODEL4] a name of Object.prototype is an unknown finish_reason", () => {
    expect(finishOf(read(choice({}, "constructor"), done))).toEqual({
      type: "finish",
      reason: "stop",
    });
  });

  test("[MODEL4] a refusal is text that ends as filtered", () => {
    const outcome = read(choice({ refusal: "No." }), choice({}, "stop"), done);
    expect(outcome.deltas).toEqual([
      { type: "text", text: "No." },
      { type: "finish", reason: "filter" },
    ]);
  });

  test("[MODEL4] the last usage counts, and one that makes no sense does not", () => {
    const outcome = read(usage(1), usage(2), usage(-3), usage("4"), usage(1.5), done);
    expect(outcome.deltas[0]).toEqual({ type: "usage", inputTokens: 2, outputTokens: 1 });
  });
});

describe("tool calls", () => {
  test("[MODEL3] Ollama's parallel calls, all with index 0 and finish_reason stop", () => {
    const outcome = read(
      piece({ index: 0, ...call("a", 1) }),
      piece({ index: 0, ...call("b", 2) }),
      choice({}, "stop"),
      done,
    );
    expect(callsOf(outcome)).toEqual([
      { id: "a", name: "add", input: { x: 1 } },
      { id: "b", name: "add", input: { x: 2 } },
    ]);
    expect(outcome.deltas.at(-1)).toEqual({ type: "finish", reason: "toolCalls" });
  });

  test("[MODEL3] calls without any index, and an id repeated with every piece", () => {
    const outcome = read(
      piece({ id: "a", function: { name: "add", arguments: '{"x"' } }),
      piece({ id: "a", function: { arguments: ":1}" } }),
      piece({ id: "b", function: { name: "add", arguments: '{"x":2}' } }),
      done,
    );
    expect(callsOf(outcome)).toHaveLength(2);
  });

  test("[MODEL3] a missing or repeated id is replaced by one of our own", () => {
    const outcome = read(
      piece({ index: 0, ...call("", 1) }),
      piece({ index: 1, ...call("same", 2) }),
      piece({ index: 2, ...call("same", 3) }),
      done,
    );
    const ids = callsOf(outcome).map((one) => (one as { id: string }).id);
    expect(ids[1]).toBe("same");
    expect(new Set(ids).size).toBe(3);
    expect(ids.every((id) => id !== "")).toBe(true);
  });

  test("[MODEL3] arguments as an object are understood", () => {
    const outcome = read(
      piece({ index: 0, id: "a", function: { name: "f", arguments: { x: 1 } } }),
      done,
    );
    expect(callsOf(outcome)).toEqual([{ id: "a", name: "f", input: { x: 1 } }]);
  });

  test("[MODEL3] arguments that are no JSON break the answer", () => {
    const half = piece({ index: 0, id: "a", function: { name: "f", arguments: '{"x' } });
    expect(read(half, choice({}, "tool_calls"), done).failure).toBe("broken");
  });

  test("[MODEL3] a call cut by the length limit is dropped", () => {
    const half = piece({ index: 0, id: "a", function: { name: "f", arguments: '{"x' } });
    expect(read(half, choice({}, "length"), done).deltas).toEqual([
      { type: "finish", reason: "length" },
    ]);
  });

  test.each([
    [
      "too many calls",
      Array.from({ length: toolCallsMax + 1 }, (_, index) => ({ index, ...call(`c${index}`, 1) })),
    ],
    ["a long name", [{ index: 0, id: "a", function: { name: "n".repeat(300) } }]],
    ["a call that is no object", ["oops"]],
    [
      "deep arguments",
      [
        {
          index: 0,
          id: "a",
          function: { name: "f", arguments: "[".repeat(200) + "]".repeat(200) },
        },
      ],
    ],
    ["no name", [{ index: 0, id: "a", function: { arguments: "{}" } }]],
  ])("[MODEL6] %s breaks the answer", (_, calls) => {
    expect(read(choice({ tool_calls: calls }), choice({}, "tool_calls"), done).failure).toBe(
      "broken",
    );
  });

  test("[MODEL3] an index from outside reaches no array", () => {
    const outcome = read(
      piece({ index: 4_000_000_000, ...call("a", 1) }),
      piece({ index: -1, ...call("b", 2) }),
      done,
    );
    expect(callsOf(outcome)).toHaveLength(2);
  });
});

describe("failures in mid-stream", () => {
  test.each([
    ["no JSON", 'data: {"choices":[\n\n', "broken"],
    ["an array", "data: []\n\n", "broken"],
    ["a number", "data: 1\n\n", "broken"],
    ["an error object", event({ error: { message: "boom" } }), "generating"],
    ["an error text", event({ error: "boom" }), "generating"],
    ["an event named error", 'event: error\ndata: {"message":"boom"}\n\n', "generating"],
    ["an unreachable upstream", event({ error: { message: "x", code: 502 } }), "generating"],
    ["a rate limit", event({ error: { message: "x", code: 429 } }), "rate_limited"],
    [
      "an overflow",
      event({ error: { message: "Context size has been exceeded." } }),
      "context_overflow",
    ],
  ])("[MODEL5] %s fails after what came before it was given", (_, bad, failure) => {
    const outcome = read(choice({ content: "a" }), bad, choice({ content: "b" }), done);
    expect(textOf(outcome)).toBe("a");
    expect(outcome).toMatchObject({ failure, finished: false });
  });

  test.each([
    ["no choices", event({ id: "x" })],
    ["choices that are no array", event({ choices: "x" })],
    ["a choice that is no object", event({ choices: [null] })],
    ["a delta that is no object", event({ choices: [{ delta: "x" }] })],
    ["content that is no text", choice({ content: 5, reasoning_content: {}, tool_calls: {} })],
    ["an error of null", event({ error: null, choices: [] })],
    ["a finish_reason of the wrong type", event({ choices: [{ delta: {}, finish_reason: 7 }] })],
  ])("[MODEL2] %s is passed over", (_, odd) => {
    expect(read(odd, choice({ content: "a" }), done)).toMatchObject({
      deltas: [{ type: "text", text: "a" }, { type: "finish" }],
      failure: undefined,
    });
  });

  test("[MODEL2] content as a list of parts counts its text", () => {
    const content = [
      { type: "text", text: "a" },
      { type: "image" },
      null,
      { type: "text", text: "b" },
    ];
    expect(textOf(read(choice({ content }), done))).toBe("ab");
  });

  test("[MODEL6] an answer of more characters than can be stored breaks", () => {
    const reader = new AnswerReader();
    const bytes = encoder.encode(choice({ content: "x".repeat(100_000) }));
    const readsMax = answerCharsMax / 100_000;
    for (let count = 0; count < readsMax; count++) reader.read(bytes);
    expect(reader.failure).toBeUndefined();
    expect(reader.read(bytes)).toEqual([]);
    expect(reader.failure?.failure).toBe("broken");
  });

  test("[MODEL6] a flood of comments breaks at the limit of bytes", () => {
    const reader = new AnswerReader();
    const comments = encoder.encode(`: ${"x".repeat(65_533)}\n`.repeat(64));
    const readsMax = answerBytesMax / comments.length;
    for (let count = 0; count < readsMax; count++) reader.read(comments);
    expect(reader.failure).toBeUndefined();
    reader.read(comments);
    expect(reader.failure?.failure).toBe("broken");
  });

  test("[MODEL6] any bytes at all end in deltas or in a failure, never in another error", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), (chunks) => {
        const { failure, finished } = readAll(encoder.encode("data: "), ...chunks);
        const failures = ["broken", "prefill", "generating"];
        expect(finished || failures.includes(failure ?? "")).toBe(true);
      }),
    );
  });

  test("[MODEL6] any JSON as a chunk ends in deltas or in a failure, never in another error", () => {
    const chunk = fc.record({
      choices: fc.array(fc.record({ delta: fc.jsonValue(), finish_reason: fc.jsonValue() })),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.jsonValue(), chunk), { maxLength: 5 }), (chunks) => {
        const { failure, finished } = read(...chunks.map(event), done);
        expect(finished).toBe(failure === undefined);
      }),
    );
  });
});

describe("surrogate pairs", () => {
  test("[MODEL13] are never split between deltas", () => {
    const outcome = read(choice({ content: "a\ud83d" }), choice({ content: "\ude00" }), done);
    expect(outcome.deltas.slice(0, 2)).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "😀" },
    ]);
  });

  test("[MODEL13] a half that stays alone becomes a replacement character", () => {
    expect(textOf(read(choice({ content: "a\ud83d" }), done))).toBe("a\ufffd");
  });
});
