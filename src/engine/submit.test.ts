import { expect, test } from "vitest";

import { defineTask } from "./define.ts";
import { TaskTypes } from "./submit.ts";

const leaf = defineTask("leaf", {}, () => null);

test("[QUEUE28] a task has the weight that its submit names, else that of whom it is charged to, else 1", () => {
  const types = new TaskTypes([leaf], { ann: 3, team: 0.5 });
  const weightOf = (options: object) => types.spec(leaf, "task_1", null, options).weight;
  expect(weightOf({ userId: "ann" })).toBe(3);
  expect(weightOf({ userId: "ann", fairnessKey: "team" })).toBe(0.5);
  expect(weightOf({ userId: "ann", weight: 7 })).toBe(7);
  expect(weightOf({ userId: "bob" })).toBeUndefined();
  expect(weightOf({ userId: "toString" })).toBeUndefined();
  expect(() => new TaskTypes([leaf], { ann: 0 })).toThrow("weights.ann must be 0.01..100, got 0");
});

test("[SPAWN2] a child is charged to whom its parent is charged to, with the same weight", () => {
  const types = new TaskTypes([leaf], { ann: 3 });
  const charged = types.spec(leaf, "task_1", null, { userId: "ann", fairnessKey: "k", weight: 2 });
  const child = types.childSpec(charged, "leaf", null, {});
  expect(child).toMatchObject({ userId: "ann", key: "k", weight: 2 });
  const own = types.childSpec(
    types.spec(leaf, "task_2", null, { userId: "ann" }),
    "leaf",
    null,
    {},
  );
  expect(own).toMatchObject({ userId: "ann", weight: 3 });
  expect(own.key).toBeUndefined();
});
