import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";

import { queueScope, sessionScope, userScope, type Scope } from "../../src/core/scope.ts";
import { askHome } from "../../src/hosts/edge/home-call.ts";
import { breathe, EdgeClient, until } from "./edge-client.ts";
import { openGate, steering } from "../hosts/steered.ts";
import type { TestHome } from "./worker.ts";

const local = new EdgeClient();

function stubOf(home: Scope): DurableObjectStub<TestHome> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The suite's wrangler.jsonc binds that class.
  return env.HOMES.getByName(home) as unknown as DurableObjectStub<TestHome>;
}

/** Ends an object as a crash would: nothing of it in memory is left, and what it waits for never comes. */
async function kill(home: Scope): Promise<void> {
  const dying = runInDurableObject(stubOf(home), (_, state) => state.abort("killed by a test"));
  await expect(dying).rejects.toThrow("killed by a test");
}

test("[HOME5] a turn whose object dies in the middle goes on by its alarm, with nobody there", async () => {
  const id = await local.submit("gated", { name: "evicted" }, { sessionId: "evicted" });
  await local.until(id, ({ partial }) => partial === "before ");
  const stub = stubOf(sessionScope("local", "evicted"));
  await kill(sessionScope("local", "evicted"));
  openGate("evicted");
  // It was set in the turn of the commit that began the work.
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  const ended = await local.ended(id);
  expect(ended).toMatchObject({ status: "completed", attempts: 2, output: "through evicted" });
  expect(steering().started.filter((name) => name === "evicted")).toHaveLength(2);
});

test("[HOME5] a finished step is not done again when its object has died", async () => {
  const id = await local.submit("stepped", { name: "step" });
  await until(
    () => Promise.resolve(steering().started.includes("step")),
    (is) => is,
  );
  await local.until(id, ({ status }) => status === "running");
  const logged = (): Promise<{ events: { type: string }[] }> => local.json(`/api/tasks/${id}/log`);
  await until(logged, ({ events }) => events.some(({ type }) => type === "step.completed"));
  await kill(userScope("local"));
  openGate("step");
  expect(await local.ended(id)).toMatchObject({ status: "completed", output: 1, attempts: 2 });
});

test("[HOME5] what waits inside is not lost with its object, and no loss is counted", async () => {
  const id = await local.submit("waiting", null, { sessionId: "asleep" });
  await local.until(id, ({ status }) => status === "waiting");
  await evictDurableObject(stubOf(sessionScope("local", "asleep")));
  await local.json(`/api/tasks/${id}/event`, { name: "go", payload: 7 });
  expect(await local.ended(id)).toMatchObject({ output: { payload: 7 }, attempts: 1 });
});

test("[HOME5] an alarm that rings twice, or for nothing, changes nothing", async () => {
  const id = await local.submit("repeat", "late", { delayMs: 60_000, sessionId: "alarm" });
  const stub = stubOf(sessionScope("local", "alarm"));
  const ring = (): Promise<void> => runInDurableObject(stub, (home) => home.alarm());
  await ring();
  await ring();
  expect(await local.task(id)).toMatchObject({ status: "delayed" });
  await local.json(`/api/tasks/${id}/cancel`, {});
  await ring();
  expect(await local.ended(id)).toMatchObject({ status: "cancelled", attempts: 0 });
});

test("[HOME3] messages that come twice change nothing", async () => {
  const id = await local.submit("repeat", "once", { sessionId: "twice" });
  await local.ended(id);
  const home = sessionScope("local", "twice");
  const before = await local.json<object>(`/api/tasks/${id}/log`);
  const call = `${id}.1`;
  const mail = (["callGranted", "callLost"] as const).map((type) => ({
    id: `queue/tasks#1.${type}`,
    to: `task/${id}` as const,
    body: { type, call, queue: "tasks" },
  }));
  for (const from of [queueScope("tasks"), queueScope("tasks")])
    // oxlint-disable-next-line no-await-in-loop -- Twice, one after the other.
    await askHome(env.HOMES, home, { is: "deliver", from, mail });
  expect(await local.json<object>(`/api/tasks/${id}/log`)).toEqual(before);
  const runningNow = async (): Promise<number> =>
    queueIn(await local.json("/api/queues"), "tasks").running;
  expect(await until(runningNow, (running) => running === 0)).toBe(0);
});

test("[HOME3] messages that did not arrive because everything died are sent by an alarm", async () => {
  const id = await local.submit("gated", { name: "abort" }, { sessionId: "abort" });
  await local.until(id, ({ partial }) => partial === "before ");
  await abortAllDurableObjects();
  openGate("abort");
  await runDurableObjectAlarm(stubOf(sessionScope("local", "abort")));
  expect(await local.ended(id)).toMatchObject({ status: "completed" });
});

function queueIn(answer: unknown, name: string): { running: number; pending: number } {
  const { queues } = answer as { queues: { name: string; running: number; pending: number }[] };
  const found = queues.find((queue) => queue.name === name);
  if (found === undefined) throw new Error(`there is no queue ${name}`);
  return found;
}

/** Numbers in [0, 1) that are the same in every run. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test("[HOME9] fifty users share a slot while their objects are killed at random: never two leases, never two calls", async () => {
  const users = Array.from({ length: 50 }, (_, n) => `crowd${n}`);
  const tasks = await Promise.all(
    users.map(async (user) => {
      const client = await local.userWithKey(user);
      return { client, id: await client.submit("calling") };
    }),
  );
  const roll = dice(4_711);
  const name = "model:steered";
  const read = { is: "read", name: "queue", args: [name] } as const;
  const queueNow = async (): Promise<{ running: number; pending: number }> =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- What a reader's `queue` answers.
    (await askHome(env.HOMES, queueScope(name), read)) as { running: number; pending: number };
  const killed = new Map<string, number>();
  let most = 0;
  let kills = 0;
  let idle = 0;
  while (idle < 3) {
    const { running, pending } = await queueNow();
    most = Math.max(most, running);
    idle = running + pending === 0 && kills === killsWanted ? idle + 1 : 0;
    await breathe();
    if (kills === killsWanted || roll() < 0.5) continue;
    const [serving] = steering().live;
    const chosen = roll() < 0.4 && serving !== undefined ? serving : users[Math.floor(roll() * 50)];
    if (chosen === undefined) continue;
    const before = killed.get(chosen) ?? 0;
    if (before === killsEachMax) continue;
    kills += 1;
    if (roll() < 0.2) await kill(queueScope(name));
    else {
      killed.set(chosen, before + 1);
      await kill(userScope(chosen));
      steering().live.delete(chosen);
      await runDurableObjectAlarm(stubOf(userScope(chosen)));
    }
  }
  const ended = await Promise.all(tasks.map(({ client, id }) => client.ended(id)));
  expect(ended.map(({ status }) => status)).toEqual(users.map(() => "completed"));
  expect(ended.filter(({ attempts }) => attempts > 1)).not.toEqual([]);
  expect(most).toBe(1);
  expect(steering().most).toBe(1);
});

/** So often something dies in the midst of it. */
const killsWanted = 40;

/** A task that loses its worker too often is given up: on a slow machine chance might pick the same one. */
const killsEachMax = 2;
