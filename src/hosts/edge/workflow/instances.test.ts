import { expect, test } from "vitest";

import type { FlowParams } from "./flow-call.ts";
import { Instances, type FlowBinding } from "./instances.ts";

const params: FlowParams = {
  version: 1,
  taskId: "task_1",
  home: "user/ann",
  type: "orchestrate",
  userId: "ann",
  sessionId: null,
  attempt: 1,
  input: { prompt: "hi" },
  roles: [],
  workerRoles: [],
};

interface Made {
  status: string;
  created: number;
  terminated: number;
  restarted: number;
}

/** A platform that takes a second `create` in silence, or refuses it, or loses its answer. */
function platform(behaves: "silent" | "refusing" | "losing") {
  const made = new Map<string, Made>();
  const errors: string[] = [];
  const binding: FlowBinding = {
    create({ id }) {
      const before = made.get(id);
      if (before !== undefined && behaves === "refusing")
        return Promise.reject(new Error("instance.already_exists"));
      made.set(id, {
        status: "running",
        created: (before?.created ?? 0) + 1,
        terminated: 0,
        restarted: 0,
      });
      return behaves === "losing"
        ? Promise.reject(new Error("the connection was lost"))
        : Promise.resolve({ id });
    },
    get(id) {
      const found = made.get(id);
      if (found === undefined) return Promise.reject(new Error("instance.not_found"));
      return Promise.resolve({
        status: () =>
          Promise.resolve({ status: found.status, error: { message: "why" }, output: 7 }),
        restart() {
          found.restarted += 1;
          return Promise.resolve();
        },
        terminate() {
          found.terminated += 1;
          return Promise.resolve();
        },
      });
    },
  };
  const log = { info: () => undefined, error: (message: string) => void errors.push(message) };
  return { made, errors, instances: new Instances(binding, log) };
}

for (const behaves of ["silent", "refusing", "losing"] as const) {
  test(`[FLOW3] an instance is made once by a ${behaves} platform`, async () => {
    const { made, instances } = platform(behaves);
    await instances.create("a-1", params);
    await instances.create("a-1", params);
    expect(made.get("a-1")?.created).toBe(1);
  });
}

test("[FLOW4] an input that is too large begins nothing", async () => {
  const { made, instances } = platform("silent");
  const input = "ü".repeat(600_000);
  await expect(instances.create("a-1", { ...params, input })).rejects.toMatchObject({
    code: "too_large",
  });
  expect(made.size).toBe(0);
});

test("[FLOW6] how an instance ended is read from its status", async () => {
  const { made, instances } = platform("silent");
  expect(await instances.end("gone")).toMatchObject({ ok: false, retry: "policy" });
  await instances.create("a-1", params);
  const a = made.get("a-1");
  if (a === undefined) throw new Error("nothing was made");
  for (const status of ["queued", "running", "paused", "waiting", "unknown"]) {
    a.status = status;
    // oxlint-disable-next-line no-await-in-loop -- One status after the other.
    expect(await instances.end("a-1")).toBeNull();
  }
  a.status = "complete";
  expect(await instances.end("a-1")).toEqual({ ok: true, output: 7 });
  a.status = "errored";
  expect(await instances.end("a-1")).toMatchObject({ ok: false, retry: "policy" });
  a.status = "terminated";
  expect(await instances.end("a-1")).toMatchObject({ retry: "never", error: { code: "fatal" } });
});

test("[FLOW5] only what may still do something is terminated", async () => {
  const { made, instances } = platform("silent");
  await instances.terminate("gone");
  await instances.create("a-1", params);
  await instances.terminate("a-1");
  const a = made.get("a-1");
  if (a === undefined) throw new Error("nothing was made");
  a.status = "complete";
  await instances.terminate("a-1");
  expect(a.terminated).toBe(1);
});

test("[FLOW8] without a binding it says what to set", async () => {
  const none = new Instances(undefined, { info: () => undefined, error: () => undefined });
  await expect(none.create("a-1", params)).rejects.toThrow("ORCHESTRATOR_WORKERS_WORKFLOW");
});

test("[FLOW3] only an instance that says it runs is begun anew", async () => {
  const { made, instances } = platform("silent");
  await instances.wake("gone");
  await instances.create("a-1", params);
  await instances.wake("a-1");
  const a = made.get("a-1");
  if (a === undefined) throw new Error("nothing was made");
  for (a.status of ["queued", "paused", "waiting", "complete", "errored", "terminated"])
    // oxlint-disable-next-line no-await-in-loop -- One status after the other.
    await instances.wake("a-1");
  expect(a.restarted).toBe(1);
});
