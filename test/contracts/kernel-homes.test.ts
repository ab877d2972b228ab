import { expect, test } from "vitest";

import { createMemoryStore } from "../../src/adapters/memory/memory-store.ts";
import { sessionScope, taskScope, userScope, type Scope } from "../../src/core/scope.ts";
import type { TaskSpec } from "../../src/core/task/spec.ts";
import { deciders } from "../../src/engine/deciders.ts";
import { KernelBench, quiet } from "./kernel-bench.ts";

const spec: TaskSpec = {
  type: "note",
  userId: "ann",
  input: null,
  queue: "tasks",
  priority: "background",
  rootId: "t1",
  sessionId: "main",
};

/** The home of a session of Ann's: its tasks are here, Ann and the queues are elsewhere. */
async function sessionHome() {
  const carried: { readonly to: Scope; readonly body: unknown }[] = [];
  const commands: { readonly scope: Scope; readonly command: unknown }[] = [];
  const bench = new KernelBench(createMemoryStore(), {
    deciders,
    isLocal: (scope) => scope.startsWith("task/") || scope === sessionScope("ann", "main"),
    listsAt: userScope,
    courier: {
      deliver: ({ to, body }) => {
        carried.push({ to, body });
        return Promise.resolve();
      },
    },
    dispatchAway: (scope, command) => {
      commands.push({ scope, command });
      return Promise.resolve({ reply: { ok: true, value: "from there" }, replayed: false });
    },
  });
  await bench.kernel.start();
  return { bench, carried, commands };
}

test("[KERNEL24] rows of lists go to their user's home, one message a group, and stand here as well", async () => {
  const { bench, carried } = await sessionHome();
  await Promise.all(
    ["t1", "t2"].map((id) =>
      bench.kernel.ask(taskScope(id), { type: "submit", spec: { ...spec, rootId: id } }),
    ),
  );
  await quiet();
  const rows = carried.filter(({ to }) => to === userScope("ann"));
  expect(rows).toHaveLength(1);
  expect(rows[0]?.body).toMatchObject({
    type: "rows",
    rows: [
      { table: "task", id: "t1", sessionId: "main", status: "queued" },
      { table: "task", id: "t2", sessionId: "main", status: "queued" },
    ],
  });
  const list = await bench.store.tasks({ userId: "ann", limit: 10 });
  expect(list.map(({ id }) => id).toSorted()).toEqual(["t1", "t2"]);
});

test("[KERNEL24] rows that have come from another home are rows like any other, and are no facts", async () => {
  const { bench, carried } = await sessionHome();
  await bench.kernel.ask(taskScope("t1"), { type: "submit", spec });
  await quiet();
  const user = new KernelBench(createMemoryStore(), { deciders });
  const sent = carried.find(({ to }) => to === userScope("ann"));
  for (const _ of ["once", "again"])
    // oxlint-disable-next-line no-await-in-loop -- It comes twice, one after the other.
    await user.kernel.ask(userScope("ann"), sent?.body);
  const list = await user.store.tasks({ userId: "ann", limit: 10 });
  expect(list).toMatchObject([{ id: "t1", sessionId: "main" }]);
  expect(await user.kernel.readLog(userScope("ann"))).toEqual([]);
});

test("[KERNEL24] a command to a scope of another home is given there, and nothing of it is read here", async () => {
  const { bench, commands } = await sessionHome();
  const command = { type: "laneWork", lane: "notes" };
  expect(await bench.kernel.ask(userScope("ann"), command)).toBe("from there");
  expect(commands).toEqual([{ scope: userScope("ann"), command }]);
  await expect(bench.kernel.read(userScope("ann"), () => null)).rejects.toThrow("another home");
});

test("[HOME6] entries wait for their time, and a command takes them along", async () => {
  const waiting: (() => void)[] = [];
  const bench = new KernelBench(createMemoryStore(), {
    deciders,
    entries: (task) => waiting.push(task),
  });
  await bench.kernel.ask(taskScope("t1"), { type: "submit", spec });
  const before = bench.groups.length;
  const stream = await bench.kernel.openStream("t1", "t1/1", "ann", 1);
  const first = bench.kernel.append(stream, [{ t: "text", d: "a" }]);
  void bench.kernel.append(stream, [{ t: "text", d: "b" }]);
  await quiet();
  expect(bench.groups).toHaveLength(before);
  expect(waiting).toHaveLength(1);
  waiting.pop()?.();
  await first;
  expect(bench.groups).toHaveLength(before + 1);
  const along = bench.kernel.append(stream, [{ t: "text", d: "c" }]);
  await bench.kernel.ask(taskScope("t1"), { type: "event", name: "go", payload: 1 });
  await along;
  expect(bench.groups).toHaveLength(before + 2);
  expect(await bench.kernel.readStream("t1/1", 0)).toHaveLength(3);
});
