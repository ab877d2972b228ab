import { describe, expect, test } from "vitest";

import { type AnswerPlan, planAnswer, type TokenList } from "./answer-plan.ts";
import { readChatRequest } from "./chat-request.ts";

const tools = [
  {
    type: "function",
    function: {
      name: "add",
      parameters: { type: "object", properties: { x: { type: "integer" } } },
    },
  },
];

function plan(content: string, fields: object = {}, after: readonly object[] = []): AnswerPlan {
  const messages = [{ role: "user", content }, ...after];
  const request = readChatRequest({ model: "m", messages, ...fields });
  return typeof request === "string" ? expect.fail(request) : planAnswer(request);
}

const joined = (list: TokenList): string =>
  Array.from({ length: list.count }, (_, index) => list.at(index)).join("");
const textOf = (...given: Parameters<typeof plan>): string => joined(plan(...given).text);

const asked = (schema: object): object => ({
  response_format: { type: "json_schema", json_schema: { name: "s", schema } },
});
const planner = asked({
  type: "object",
  properties: {
    subtasks: {
      type: "array",
      items: {
        type: "object",
        properties: {
          id: { type: "string" },
          prompt: { type: "string" },
          kind: { enum: ["a", "b"] },
        },
      },
    },
  },
});
const subtasks = (content: string): { prompt: string }[] =>
  (JSON.parse(textOf(content, planner)) as { subtasks: { prompt: string }[] }).subtasks;

describe("text", () => {
  test("[MODEL18] the same messages give the same answer, others another", () => {
    const question = "How do durable queues survive a crash?";
    expect(textOf(question)).toBe(textOf(question));
    expect(textOf(question)).not.toBe(textOf(`${question} Really?`));
  });

  test("[MODEL18] without directives it speaks of the prompt's key words and says what it is", () => {
    const answer = textOf("How do durable queues survive a crash?");
    expect(answer).toMatch(/durable|queues|survive|crash/);
    expect(answer).toContain("demo");
    expect(answer).not.toMatch(/\{[ab]\}/);
  });

  test("[MODEL18] a repeated word is one token each", () => {
    const { text } = plan("[[repeat 1000000 word]]");
    expect(text.count).toBe(1_000_000);
    expect([text.at(0), text.at(999_999)]).toEqual(["word", " word"]);
  });

  test("[MODEL18] tokens put together are the text, white space included", () => {
    expect(textOf("[[say a  b\n\nc ]]")).toBe("a  b\n\nc");
    expect(textOf("[[say ]]")).toBe("");
  });

  test("[MODEL18] only the last user message is looked at for directives", () => {
    const after = [
      { role: "assistant", content: "x" },
      { role: "user", content: "and now?" },
    ];
    expect(textOf("[[say old]]", {}, after)).not.toBe("old");
  });

  test("[MODEL18] max_tokens cuts the answer", () => {
    const cut = plan("[[repeat 9 w]]", { max_tokens: 2 });
    expect([joined(cut.text), cut.finishReason]).toEqual(["w w", "length"]);
    expect(plan("[[repeat 2 w]]", { max_completion_tokens: 2 }).finishReason).toBe("stop");
  });

  test.each([
    ["in the middle of a token", "one tw", "o three"],
    ["between tokens", "one two", " three"],
    ["everything", "one two three", ""],
    ["something else", "uno dos", "one two three"],
  ])("[MODEL18] a partial answer (%s) is continued", (_, content, rest) => {
    expect(textOf("[[say one two three]]", {}, [{ role: "assistant", content }])).toBe(rest);
  });

  test("[MODEL18] a mistake in a directive is said", () => {
    expect(textOf("[[dance]]")).toContain("dance");
  });
});

describe("tools", () => {
  test("[MODEL18] offered tools are called, with ids of their own", () => {
    const { calls, finishReason, text } = plan('[[tool add {"x":1}]] [[tool add {"x":2}]]', {
      tools,
    });
    expect(calls.map(({ name, argumentsJson }) => [name, argumentsJson])).toEqual([
      ["add", '{"x":1}'],
      ["add", '{"x":2}'],
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    expect([finishReason, text.count]).toEqual(["tool_calls", 0]);
  });

  test("[MODEL18] a tool that is not offered, or not wanted, is not called", () => {
    expect(plan("[[tool sub {}]]", { tools }).calls).toEqual([]);
    expect(textOf("[[tool sub {}]]", { tools })).toContain("no tool called sub");
    expect(plan("[[tool add {}]]", { tools, tool_choice: "none" }).calls).toEqual([]);
  });

  test("[MODEL18] tool_choice required calls the first tool with what its schema asks for", () => {
    expect(plan("hello", { tools, tool_choice: "required" }).calls[0]?.argumentsJson).toBe(
      '{"x":1}',
    );
  });

  test("[MODEL18] after its result the answer quotes it, and a loop calls again", () => {
    const after = [
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "a", function: { name: "add", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "a", content: '{"sum":3}' },
    ];
    expect(textOf('[[tool add {"x":1}]]', { tools }, after)).toBe(
      'The tool add answered: {"sum":3}',
    );
    expect(plan("[[loop add {}]]", { tools }, after).calls).toHaveLength(1);
  });
});

describe("JSON", () => {
  test("[MODEL18] a planner's schema gets as many different subtasks as asked for, three by default", () => {
    expect(subtasks("Open a coffee shop")).toHaveLength(3);
    const five = subtasks("Open a coffee shop [[subtasks 5]]");
    expect(new Set(five.map(({ prompt }) => prompt)).size).toBe(5);
    expect(five[0]?.prompt).toContain("coffee");
  });

  test("[MODEL18] json_object gives some object", () => {
    expect(JSON.parse(textOf("x", { response_format: { type: "json_object" } }))).toBeTypeOf(
      "object",
    );
  });
});

test.each([
  ["no object", [], "object"],
  ["no messages", {}, "messages"],
  ["empty messages", { messages: [] }, "messages"],
  ["a message without a role", { messages: [{ content: "x" }] }, "role"],
])("[MODEL18] a request with %s is refused in words", (_, body, word) => {
  expect(readChatRequest(body)).toContain(word);
});
