import * as fc from "fast-check";
import { expect, test } from "vitest";

import { Continuation } from "./continuation.ts";

/** Cuts a text into pieces at any places. */
const cut = (text: string): fc.Arbitrary<string[]> =>
  fc.array(fc.nat({ max: text.length }), { maxLength: 6 }).map((places) => {
    const ends = [0, ...places.toSorted((a, b) => a - b), text.length];
    return ends.slice(1).map((end, at) => text.slice(ends[at], end));
  });

test("[OAI11] whatever was said before a reset, the client has the second try's text, each piece once", () => {
  const told = fc
    .string({ maxLength: 40 })
    .chain((text) =>
      fc.tuple(fc.constant(text), fc.nat({ max: text.length }), cut(text), cut(text)),
    );
  fc.assert(
    fc.property(told, ([text, broken, first, second]) => {
      const answer = new Continuation();
      let got = "";
      let at = 0;
      for (const piece of first) {
        if (at + piece.length > broken) break;
        got += answer.take(piece);
        at += piece.length;
      }
      answer.back(0);
      for (const piece of second) got += answer.take(piece);
      got += answer.finish(text);
      expect(got).toBe(text);
      expect(answer.isRepeating).toBe(false);
    }),
  );
});

test("[OAI11] another text is refused at its first difference, and so is one that ends too early", () => {
  const answer = new Continuation();
  expect(answer.take("The quick ")).toBe("The quick ");
  answer.back(0);
  expect(answer.take("The ")).toBe("");
  expect(() => answer.take("slow")).toThrow("turned out differently");
  const short = new Continuation();
  short.take("one two");
  short.back(0);
  expect(() => short.finish("one")).toThrow("turned out differently");
});
