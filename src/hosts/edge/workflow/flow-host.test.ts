/* oxlint-disable typescript/no-unsafe-type-assertion -- Of an engine and a context only what a host of flows uses. */
import { expect, test } from "vitest";

import type { Operation } from "../../../core/task/state.ts";
import type { Engine, TaskContext } from "../../../engine/index.ts";
import type { FlowEnd } from "./flow-call.ts";
import { FlowHost } from "./flow-host.ts";
import type { Instances } from "./instances.ts";

interface World {
  /** How an instance is, by id. */
  readonly ends: Map<string, FlowEnd>;
  readonly operations: Map<string, Operation>;
  readonly seen: string[];
  /** Called at each look of the handler. */
  look(): void;
}

/** Runs the handler of a task over a log, instances and heartbeats that a test makes up. */
function handle(world: World, attempt: number, silentMs = 60_000): Promise<unknown> {
  const { ends, operations, seen } = world;
  const instances = {
    create: (id: string) => Promise.resolve(void seen.push(`create ${id}`)),
    end(id: string) {
      seen.push(`look ${id}`);
      world.look();
      return Promise.resolve(ends.get(id) ?? null);
    },
    wake: (id: string) => Promise.resolve(void seen.push(`wake ${id}`)),
  } as unknown as Instances;
  const engine = {
    roles: { assignments: [] },
    taskState: () => Promise.resolve({ operations }),
  } as unknown as Engine;
  const ctx = {
    taskId: "task_1",
    attempt,
    signal: new AbortController().signal,
    async step(name: string, fn: () => Promise<unknown>) {
      const known = operations.get(`step:${name}`);
      if (known?.kind === "step") return known.result;
      const result = await fn();
      operations.set(`step:${name}`, { kind: "step", result });
      return result;
    },
    waitForEvent: () => new Promise((resolve) => setTimeout(() => resolve(null), 1)),
  } as unknown as TaskContext;
  const host = new FlowHost({ home: "user/ann", instances, engine: () => engine, silentMs });
  const task = host.onWorkflows({ type: "t", options: {}, handler: () => null });
  return Promise.resolve(task.handler(null as never, ctx));
}

const dead: FlowEnd = {
  ok: false,
  error: { code: "handler_failed", message: "it broke" },
  retry: "policy",
};

function newWorld(): World {
  return { ends: new Map(), operations: new Map(), seen: [], look: () => undefined };
}

test("[FLOW7] an attempt that finds the instance of another one dead begins the next, and its own ends it", async () => {
  const made = newWorld();
  made.operations.set("step:workflow-1", {
    kind: "step",
    result: { instance: "task_1-1", attempt: 1 },
  });
  made.ends.set("task_1-1", dead);
  made.ends.set("task_1-2", { ok: true, output: 7 });
  expect(await handle(made, 2)).toBe(7);
  expect(made.seen).toEqual(["look task_1-1", "create task_1-2", "look task_1-2"]);
  const own = newWorld();
  own.ends.set("task_1-1", dead);
  await expect(handle(own, 1)).rejects.toThrow("it broke");
});

test("[FLOW3] a flow that is silent for too long is begun anew, unless its task knows it asleep", async () => {
  const silent = newWorld();
  silent.look = () => {
    if (silent.seen.includes("wake task_1-1")) silent.ends.set("task_1-1", { ok: true, output: 1 });
  };
  expect(await handle(silent, 1, 0)).toBe(1);
  const asleep = newWorld();
  asleep.operations.set("step:flow-sleep:nap", { kind: "step", result: Date.now() + 60_000 });
  asleep.look = () => {
    if (asleep.seen.length > 5) asleep.ends.set("task_1-1", { ok: true, output: 2 });
  };
  expect(await handle(asleep, 1, 0)).toBe(2);
  expect(asleep.seen).not.toContain("wake task_1-1");
});
