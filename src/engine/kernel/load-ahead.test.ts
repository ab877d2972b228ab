import { expect, test } from "vitest";

import type { Scope } from "../../core/scope.ts";
import type { LoadedScope } from "../../ports/store.ts";
import { LoadAhead } from "./load-ahead.ts";

/** A store that answers each scope with its number, and remembers what it was asked. */
class Asked {
  readonly ahead = new LoadAhead();
  readonly asked: (readonly Scope[])[] = [];

  read(work: readonly Scope[], at: number, known: readonly Scope[] = []): number | undefined {
    const reading = this.ahead.read(
      work.map((scope) => ({ scope })),
      at,
      (scope) => known.includes(scope),
    );
    let step = reading.next();
    while (step.done !== true) {
      if (step.value.op !== "load") throw new Error(`it asks for ${step.value.op}`);
      this.asked.push(step.value.scopes);
      step = reading.next(step.value.scopes.map(loaded));
    }
    return step.value?.snapshot?.seq;
  }
}

function loaded(scope: Scope): LoadedScope {
  return {
    snapshot: { seq: Number(scope.slice("task/".length)), body: new Uint8Array() },
    rows: [],
  };
}

test("[KERNEL27] the scopes of a group's commands are read together, each once, without what is known", () => {
  const store = new Asked();
  const work: Scope[] = ["task/1", "task/2", "task/1", "task/3", "task/4"];
  expect(store.read(work, 0, ["task/3"])).toBe(1);
  expect(store.asked).toEqual([["task/1", "task/2", "task/4"]]);
  expect(store.read(work, 4)).toBe(4);
  expect(store.read(work, 1)).toBe(2);
  expect(store.asked).toHaveLength(1);
  // What was taken is not kept: it has changed since.
  expect(store.read(work, 1, work)).toBe(2);
  expect(store.asked).toEqual([["task/1", "task/2", "task/4"], ["task/2"]]);
});

test("[KERNEL27] at most 64 scopes are read at once", () => {
  const store = new Asked();
  const work = Array.from({ length: 150 }, (_, at): Scope => `task/${at}`);
  for (let at = 0; at < work.length; at += 1) expect(store.read(work, at)).toBe(at);
  expect(store.asked.map((scopes) => scopes.length)).toEqual([64, 64, 22]);
});
