import { expect, test } from "vitest";

import { FreshTasks } from "./fresh-tasks.ts";
import type { FoldRow } from "./task-fold.ts";

const row = (seq: number, words = ""): FoldRow => ({
  seq,
  atMs: 0,
  events: [{ type: "task.progressed", progress: { message: words } }],
  streamTail: null,
});

const entries = (text: string): Parameters<FreshTasks["entries"]>[1] => ({
  stream: "t/1",
  user: "u",
  n: 0,
  offset: 0,
  entries: [{ t: "text", d: text }],
});

test("[FEED1] a fresh task gives all it has said, in order, once", () => {
  const fresh = new FreshTasks();
  fresh.row("t", row(1), true);
  fresh.entries("t", entries("a"));
  fresh.row("t", row(2), false);
  const made = fresh.take("t") ?? [];
  expect(made.map((one) => one.row?.seq ?? one.stored?.entries)).toEqual([
    1,
    [{ t: "text", d: "a" }],
    2,
  ]);
  expect(fresh.take("t")).toBeNull();
  fresh.row("t", row(3), false);
  expect(fresh.size).toBe(0);
});

test("[FEED1] a task is fresh from its first fact on or not at all", () => {
  const fresh = new FreshTasks();
  fresh.row("inside", row(1), false);
  fresh.row("old", row(2), true);
  fresh.entries("old", entries("a"));
  expect([fresh.take("inside"), fresh.take("old"), fresh.size]).toEqual([null, null, 0]);
});

test.each([
  ["a large fact", (fresh: FreshTasks) => fresh.row("t", row(2, "x".repeat(9_000)), false)],
  ["a long text", (fresh: FreshTasks) => fresh.entries("t", entries("x".repeat(9_000)))],
  [
    "many commits",
    (fresh: FreshTasks) => {
      for (let seq = 2; seq < 70; seq += 1) fresh.row("t", row(seq), false);
    },
  ],
  [
    "many newer tasks",
    (fresh: FreshTasks) => {
      for (let number = 0; number < 1_024; number += 1) fresh.row(`n${number}`, row(1), true);
    },
  ],
])("[FEED1] %s makes a task fresh no longer, and the disk has it all", (_what, happens) => {
  const fresh = new FreshTasks();
  fresh.row("t", row(1), true);
  happens(fresh);
  expect(fresh.take("t")).toBeNull();
  expect(fresh.size).toBeLessThanOrEqual(1_024);
});
