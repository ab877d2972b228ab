import * as fc from "fast-check";
import { expect, test } from "vitest";

import { ModelError } from "../../ports/models.ts";
import { eventCharsMax } from "./answer-limits.ts";
import { SseParser } from "./sse-parser.ts";

const encoder = new TextEncoder();

function parse(...chunks: readonly Uint8Array[]): [string, string][] {
  const events: [string, string][] = [];
  const parser = new SseParser((data, event) => events.push([data, event]));
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return events;
}

const parseText = (text: string): [string, string][] => parse(encoder.encode(text));

test.each([
  ["one event", "data: a\n\n", [["a", ""]]],
  ["no space after the colon", "data:a\n\n", [["a", ""]]],
  ["only one space is eaten", "data:  a\n\n", [[" a", ""]]],
  ["lines of one event are joined", "data: a\ndata: b\n\n", [["a\nb", ""]]],
  ["an empty data line is an event", "data:\n\n", [["", ""]]],
  ["comments", ": keep-alive\n\n:\n\ndata: a\n: x\n\n", [["a", ""]]],
  [
    "CRLF",
    "data: a\r\n\r\ndata: b\r\n\r\n",
    [
      ["a", ""],
      ["b", ""],
    ],
  ],
  [
    "CR alone",
    "data: a\r\rdata: b\r\r",
    [
      ["a", ""],
      ["b", ""],
    ],
  ],
  ["a byte order mark", "\ufeffdata: a\n\n", [["a", ""]]],
  [
    "named events",
    "event: error\ndata: a\n\ndata: b\n\n",
    [
      ["a", "error"],
      ["b", ""],
    ],
  ],
  ["id and retry are nothing", "id: 7\nretry: 10\ndata: a\n\n", [["a", ""]]],
  ["unknown fields are nothing", "datas: a\nfoo\n\ndata: b\n\n", [["b", ""]]],
  ["the error field of llama.cpp", 'error: {"code":500}\n\n', [['{"code":500}', "error"]]],
  ["an event name without data is no event", "event: x\n\ndata: a\n\n", [["a", ""]]],
  [
    "a last event without its blank line",
    "data: a\n\ndata: [DONE]",
    [
      ["a", ""],
      ["[DONE]", ""],
    ],
  ],
  ["nothing", "", []],
  ["blank lines", "\n\n\r\n\n", []],
])("[MODEL2] %s", (_, text, events) => {
  expect(parseText(text)).toEqual(events);
});

test("[MODEL2] events are the same however the bytes are split", () => {
  const piece = fc.constantFrom(
    "data: ",
    "é",
    "😀",
    "x",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    ":",
    "event: e",
    "[DONE]",
    " ",
  );
  const streams = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(streams, fc.array(fc.nat(200), { maxLength: 12 }), (text, cuts) => {
      const bytes = encoder.encode(text);
      const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length];
      const sorted = ends.toSorted((a, b) => a - b);
      const chunks = sorted.map((end, index) => bytes.subarray(sorted[index - 1] ?? 0, end));
      expect(parse(...chunks)).toEqual(parse(bytes));
    }),
  );
});

test("[MODEL2] an event of several lines is one event wherever its CRLFs are cut", () => {
  const bytes = encoder.encode("data: a\r\ndata: é\r\n\r\ndata: c\r\n\r\n");
  for (let at = 0; at <= bytes.length; at++)
    expect(parse(bytes.subarray(0, at), bytes.subarray(at)), `cut at ${at}`).toEqual([
      ["a\né", ""],
      ["c", ""],
    ]);
});

test("[MODEL2] bytes that are no UTF-8 become replacement characters", () => {
  const bytes = [...encoder.encode("data: "), 0xff, 0xc3, 0x28, ...encoder.encode("\n\n")];
  expect(parse(Uint8Array.from(bytes))).toEqual([["\ufffd\ufffd(", ""]]);
});

test("[MODEL6] a line without an end is refused at its limit", () => {
  const parser = new SseParser(() => {});
  const chunk = encoder.encode("x".repeat(65_536));
  const chunksMax = eventCharsMax / 65_536;
  for (let count = 0; count < chunksMax; count++) parser.push(chunk);
  expect(() => parser.push(chunk)).toThrow(ModelError);
});

test("[MODEL6] an event of endless lines is refused at its limit", () => {
  const parser = new SseParser(() => {});
  const lines = encoder.encode(`data: ${"x".repeat(1_000)}\n`.repeat(100));
  const push = (): void => {
    for (let count = 0; count < 100; count++) parser.push(lines);
  };
  expect(push).toThrow(/event of more than/);
});

test("[MODEL6] a long line in single bytes is read in linear time", () => {
  const chars = 300_000;
  const events: string[] = [];
  const parser = new SseParser((data) => events.push(data));
  parser.push(encoder.encode("data: "));
  const byte = encoder.encode("x");
  for (let count = 0; count < chars; count++) parser.push(byte);
  parser.push(encoder.encode("\n\n"));
  expect(events.map((data) => data.length)).toEqual([chars]);
});
