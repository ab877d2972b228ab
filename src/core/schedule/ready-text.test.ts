import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { ReadyRequest } from "../rows.ts";
import { readyRequest, readyText } from "./ready-text.ts";

const plain: ReadyRequest = {
  task: "task_1",
  type: "noop",
  key: "ann",
  user: "ann",
  weight: 1,
  band: 0,
  root: "task_1",
  cost: 1,
  capTotal: null,
  capPerKey: null,
  seq: 7,
  readyAtMs: 1_000,
  tag: 3.5,
};

const request = fc.record(
  {
    task: fc.constantFrom("task_1", "task_2", ""),
    type: fc.constantFrom("noop", "chat"),
    key: fc.constantFrom("ann", "bob"),
    user: fc.constantFrom("ann", "bob"),
    weight: fc.constantFrom(1, 2),
    band: fc.constantFrom(0 as const, 1 as const, 2 as const),
    root: fc.constantFrom("task_1", "task_2"),
    cost: fc.constantFrom(1, 0.001),
    role: fc.constantFrom("chat"),
    lead: fc.constantFrom(0, 2),
    tokens: fc.nat(9),
    rest: fc.constantFrom(4),
    capTotal: fc.constantFrom(null, 3),
    capPerKey: fc.constantFrom(null, 2),
    seq: fc.nat(),
    readyAtMs: fc.nat(),
    tag: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
  },
  {
    requiredKeys: [
      "task",
      "type",
      "key",
      "user",
      "weight",
      "band",
      "root",
      "cost",
      "capTotal",
      "capPerKey",
      "seq",
      "readyAtMs",
      "tag",
    ],
  },
);

test("[QUEUE14] a ready row gives back the request it was made of, and so does a row of an earlier version", () => {
  fc.assert(
    fc.property(request, fc.constantFrom("task_1.1", "task_2.30", "odd"), (one, call) => {
      expect(readyRequest(call, readyText(call, one))).toEqual(one);
      expect(readyRequest(call, JSON.stringify(one))).toEqual(one);
    }),
  );
});

test("[QUEUE14] what is nearly always the same takes no room", () => {
  expect(JSON.parse(readyText("task_1.1", plain))).toEqual({
    type: "noop",
    key: "ann",
    cost: 1,
    seq: 7,
    readyAtMs: 1_000,
    tag: 3.5,
  });
});

test("[QUEUE14] what a later version adds to a request is kept", () => {
  const later = { ...plain, device: "gpu0" };
  expect(readyRequest("task_1.1", readyText("task_1.1", later))).toEqual(later);
});

test.each(["null", "[]", "7", '{"seq":"7","key":"ann"}', '{"seq":7}'])(
  "[QUEUE14] a damaged row is told from a request: %s",
  (text) => expect(readyRequest("task_1.1", text)).toBeNull(),
);
