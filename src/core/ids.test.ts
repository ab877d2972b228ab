import * as fc from "fast-check";
import { expect, test } from "vitest";

import { formatId, isChatId, isName, isTaskId, isUserId } from "./ids.ts";

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const random = fc.uint8Array({ minLength: 10, maxLength: 10 });

test("[ID1] ids sort by time, then by their random bytes", () => {
  const made = fc.record({ time, random });
  fc.assert(
    fc.property(made, made, (a, b) => {
      const [idA, idB] = [formatId("task", a.time, a.random), formatId("task", b.time, b.random)];
      const order = a.time - b.time || Buffer.compare(a.random, b.random);
      expect(Math.sign(idA < idB ? -1 : idA > idB ? 1 : 0)).toBe(Math.sign(order));
    }),
  );
});

test("[ID1] every id of a task has the form of one", () => {
  fc.assert(
    fc.property(time, random, (timeMs, bytes) => {
      expect(isTaskId(formatId("task", timeMs, bytes))).toBe(true);
      expect(isTaskId(formatId("call", timeMs, bytes))).toBe(false);
    }),
  );
  expect(formatId("msg", 0, new Uint8Array(10).fill(255))).toBe("msg_0000000000zzzzzzzzzzzzzzzz");
});

test("[ID2] only what is safe in a path and a scope names a thing", () => {
  expect(isTaskId("task_0123456789abcdefghjkmnpq!")).toBe(false);
  expect(["ann", "a.b@c-d_e", "A".repeat(64)].every(isUserId)).toBe(true);
  expect(["", "a/b", ".ann", "@ann", "A".repeat(65), "ann\n"].some(isUserId)).toBe(false);
  expect(["main", "a_b-c", "0".repeat(128)].every(isChatId)).toBe(true);
  expect(["", "stream", "a/b", "a.b", "-a", "0".repeat(129)].some(isChatId)).toBe(false);
  expect(["note", "step:1.a-b_c", "x".repeat(100)].every(isName)).toBe(true);
  expect(["", "a b", ":a", "a|b", "x".repeat(101)].some(isName)).toBe(false);
});
