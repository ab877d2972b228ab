import * as fc from "fast-check";
import { expect, test } from "vitest";

import { entryCharsMax } from "../limits.ts";
import { applyText, offsetAfter, splitText, streamId, textOf, type Entry } from "./entry.ts";

const text = fc.string({ unit: "binary", maxLength: 12 });
const other: Entry[] = [
  { t: "reasoning", d: "because" },
  { t: "call", op: "c", role: "chat", model: "m" },
  { t: "callEnd", op: "c", finish: "stop" },
  { t: "toolInput", id: "1", name: "add", input: { a: 1 } },
  { t: "toolOutput", id: "1", output: 2 },
  { t: "source", url: "https://example.org" },
  { t: "data", name: "chart", data: [1, 2] },
];

/** What an attempt may say: a reset goes back to somewhere in what was said before it. */
const said = fc
  .array(
    fc.oneof(
      text.map((d): Entry => ({ t: "text", d })),
      fc.constantFrom(...other),
      fc.nat(20).map((o): Entry => ({ t: "reset", o, reason: "lost" })),
    ),
  )
  .map((entries) => {
    let offset = 0;
    return entries.map((entry): Entry => {
      const made = entry.t === "reset" ? { ...entry, o: Math.min(entry.o, offset) } : entry;
      offset = offsetAfter(offset, made);
      return made;
    });
  });

test("[STREAM1] the offset after an entry is the length of the text after it", () => {
  fc.assert(
    fc.property(said, (entries) => {
      let offset = 0;
      let shown = "";
      for (const entry of entries) {
        offset = offsetAfter(offset, entry);
        shown = applyText(shown, entry);
        expect(offset).toBe(shown.length);
      }
      expect(textOf(entries)).toBe(shown);
    }),
  );
});

test("[STREAM6] a reset makes void what was said from its offset on, and nothing before it", () => {
  const entries: Entry[] = [
    { t: "text", d: "kept lost" },
    { t: "reset", o: 5, reason: "the call starts again" },
    { t: "text", d: "new" },
  ];
  expect(textOf(entries)).toBe("kept new");
});

test("[STREAM2] pieces join to the same text, and no piece ends inside a surrogate pair", () => {
  const unit = fc.constantFrom("a", "é", "😀", "\ud83d", "\ude00");
  fc.assert(
    fc.property(fc.array(fc.array(unit, { maxLength: 4 })), (pieces) => {
      const arrived = pieces.map((units) => units.join(""));
      let held = "";
      const ready: string[] = [];
      for (const piece of arrived) {
        const split = splitText(held, piece);
        held = split.held;
        ready.push(...split.ready);
      }
      expect([...ready, held].join("")).toBe(arrived.join(""));
      expect(held.length).toBeLessThanOrEqual(1);
      const seams = [...ready, held].map((piece, at, all) => [piece, all[at + 1] ?? ""]);
      for (const [left, right] of seams) {
        const split = /[\ud800-\udbff]$/.test(left!) && /^[\udc00-\udfff]/.test(right!);
        expect(split, JSON.stringify([left, right])).toBe(false);
      }
    }),
  );
});

test("[STREAM2] a pair that arrives in two halves is stored in one piece", () => {
  const first = splitText("", "hi \ud83d");
  expect(first).toEqual({ ready: ["hi "], held: "\ud83d" });
  expect(splitText(first.held, "\ude00!")).toEqual({ ready: ["😀!"], held: "" });
  expect(splitText("", "")).toEqual({ ready: [], held: "" });
});

test("[STREAM2] a piece is at most as long as an entry may be", () => {
  const long = `${"a".repeat(entryCharsMax - 1)}😀${"b".repeat(entryCharsMax)}`;
  const { ready, held } = splitText("", long);
  expect([...ready, held].join("")).toBe(long);
  expect(ready.map((piece) => piece.length)).toEqual([entryCharsMax - 1, entryCharsMax, 2]);
});

test("[STREAM1] a stream is named by its task and attempt", () => {
  expect(streamId("task_1", 2)).toBe("task_1/2");
});
