import * as fc from "fast-check";
import { expect, test } from "vitest";

import { AnswerReader } from "./answer-reader.ts";
import { PlainChunk } from "./plain-chunk.ts";

const chunk = (content: string, more: object = {}, reason: string | null = null): string =>
  JSON.stringify({
    id: "c",
    model: "a",
    choices: [{ index: 0, delta: { content, ...more }, finish_reason: reason }],
  });

function textOf(chunks: readonly string[]): string {
  const reader = new AnswerReader();
  const bytes = new TextEncoder().encode(chunks.map((data) => `data: ${data}\n\n`).join(""));
  return reader
    .read(bytes)
    .map((delta) => (delta.type === "text" ? delta.text : ""))
    .join("");
}

test("[MODEL1] a chunk like the one before gives its text, whatever the text is", () => {
  const word = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 8 }),
    fc.constantFrom("a", "c", "id", '"', "\\", '","x":"', "\n", "null", "content", "\u2028"),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      expect(textOf(words.map((text) => chunk(text)))).toBe(words.join(""));
    }),
  );
});

test("[MODEL1] only the text may differ from what was learnt, and it must need no parsing", () => {
  const plain = new PlainChunk();
  expect(plain.textOf(chunk("one"))).toBeUndefined();
  plain.learn(chunk("one"), "one");
  expect(plain.textOf(chunk(" two 😀"))).toBe(" two 😀");
  for (const other of [
    chunk("x", { refusal: "no" }),
    chunk("x", {}, "stop"),
    chunk('say "hi"'),
    chunk("a\nb"),
    chunk("one").slice(0, -1),
    `${chunk("x")} `,
    chunk("x").replace("}", ',"content":"y"}'),
  ])
    expect(plain.textOf(other)).toBeUndefined();
});

test("[MODEL1] a text that stands elsewhere too is not mistaken for the content", () => {
  const plain = new PlainChunk();
  const behind = `{"choices":[{"delta":{"content":"a"},"index":0}],"model":"a"}`;
  plain.learn(behind, "a");
  expect(plain.textOf(behind.replace('"model":"a"', '"model":"b"'))).toBeUndefined();
  plain.learn(behind.replace('"content":"a"', '"content":"b"'), "b");
  expect(plain.textOf(behind.replace('"content":"a"', '"content":"c"'))).toBe("c");
});

test("[MODEL4] a finish, an error and a refusal are seen behind chunks that were not parsed", () => {
  const reader = new AnswerReader();
  const send = (data: string): unknown =>
    reader.read(new TextEncoder().encode(`data: ${data}\n\n`));
  for (const text of ["one", "two", "three"]) send(chunk(text));
  expect(send(chunk("end", {}, "length"))).toEqual([{ type: "text", text: "end" }]);
  expect(send("[DONE]")).toEqual([{ type: "finish", reason: "length" }]);
  const failing = new AnswerReader();
  for (const data of [chunk("one"), chunk("two"), '{"error":{"message":"out of memory"}}'])
    failing.read(new TextEncoder().encode(`data: ${data}\n\n`));
  expect(failing.failure?.message).toContain("out of memory");
});
