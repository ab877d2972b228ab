import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";

import { userScope, type Scope } from "../../src/core/scope.ts";
import type { FlowBinding } from "../../src/hosts/edge/workflow/instances.ts";
import { EdgeClient, until, type ShownTask } from "./edge-client.ts";
import { openGate, steering } from "../hosts/steered.ts";
import type { TestHome } from "./worker.ts";

const admin = new EdgeClient();

beforeEach(() => {
  Object.assign(steering(), { most: 0 });
  steering().open.clear();
  steering().started.length = 0;
  steering().live.clear();
});

/** Ends an object as a crash would. */
async function kill(home: Scope): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The suite's wrangler.jsonc binds that class.
  const stub = env.HOMES.getByName(home) as unknown as DurableObjectStub<TestHome>;
  const dying = runInDurableObject(stub, (_, state) => state.abort("killed by a test"));
  await expect(dying).rejects.toThrow("killed by a test");
}

function binding(): FlowBinding {
  const bound = env.ORCHESTRATOR_WORKERS_WORKFLOW;
  if (bound === undefined) throw new Error("the suite binds no workflow");
  return bound;
}

async function statusOf(instance: string): Promise<string> {
  return (await (await binding().get(instance)).status()).status;
}

interface Workflow {
  readonly status: string;
  readonly state: string;
  readonly output: { readonly text: string } | null;
  readonly subtasks: readonly { readonly title: string; readonly state: string }[];
}

async function factsOf(client: EdgeClient, id: string): Promise<readonly string[]> {
  const { events } = await client.json<{ events: { type: string }[] }>(`/api/tasks/${id}/log`);
  return events.map(({ type }) => type);
}

test("[FLOW1] the same function runs on Workflows and in the object, behind the same queue, with the same answer", async () => {
  const seen: Record<string, unknown> = {};
  for (const user of ["flow1", "plain1"]) {
    // oxlint-disable-next-line no-await-in-loop -- One after the other: what each has begun is counted.
    const client = await admin.userWithKey(user);
    // oxlint-disable-next-line no-await-in-loop
    const made = await client.json<{ id: string; details: Workflow }>("/", { prompt: "Build it" });
    expect(made.details.state).not.toBe("failed");
    // oxlint-disable-next-line no-await-in-loop
    const ended = await client.ended(made.id);
    expect(ended).toMatchObject({ status: "completed", attempts: 1 });
    // oxlint-disable-next-line no-await-in-loop
    const { status } = await client.json<{ status: Workflow }>(`/${made.id}`);
    // oxlint-disable-next-line no-await-in-loop
    const { tasks } = await client.json<{ tasks: ShownTask[] }>("/api/tasks?limit=10");
    expect(tasks.some(({ id }) => id === made.id)).toBe(true);
    const { subtasks, ...rest } = status;
    const output = { text: rest.output?.text };
    seen[user] = {
      ...rest,
      output,
      subtasks: subtasks.map(({ title, state }) => ({ title, state })).toSorted(byTitle),
    };
  }
  expect(seen["flow1"]).toEqual(seen["plain1"]);
  expect(seen["flow1"]).toMatchObject({ status: "complete", output: { text: "The whole." } });
  expect(steering().most).toBe(1);
  expect(steering().started.filter((what) => what.startsWith("plan"))).toHaveLength(2);
});

function byTitle(a: { readonly title: string }, b: { readonly title: string }): number {
  return a.title < b.title ? -1 : 1;
}

test("[FLOW2] steps, sleeps, progress and events of a flow are facts of its task", async () => {
  const client = await admin.userWithKey("flow2");
  const id = await client.submit("flow_steps", { name: "flow2" });
  await until(
    () => factsOf(client, id),
    (facts) => facts.includes("task.progressed"),
  );
  await client.json(`/api/tasks/${id}/event`, { name: "go", payload: 1 });
  await client.json(`/api/tasks/${id}/event`, { name: "go", payload: 2 });
  const ended = await client.ended(id);
  expect(ended).toMatchObject({
    status: "completed",
    output: { first: { key: `${id}:first` }, events: [1, 2] },
  });
  expect(
    await until(
      () => statusOf(`${id}-1`),
      (status) => status === "complete",
    ),
  ).toBe("complete");
});

test("[FLOW3] a task whose object dies goes on with the same workflow, and no finished call is made again", async () => {
  const client = await admin.userWithKey("flow3");
  const { id } = await client.json<{ id: string }>("/", { prompt: "hold it" });
  const calls = (): readonly string[] =>
    steering().started.filter((what) => what.includes("gated"));
  await until(
    () => Promise.resolve(calls()),
    (made) => made.length > 0,
  );
  await kill(userScope("flow3"));
  steering().live.clear();
  openGate("flow");
  expect(await client.ended(id)).toMatchObject({ status: "completed" });
  expect(steering().started.filter((what) => what.startsWith("plan"))).toHaveLength(1);
  expect(
    await until(
      () => statusOf(`${id}-1`),
      (status) => status === "complete",
    ),
  ).toBe("complete");
  await expect(binding().get(`${id}-2`)).rejects.toThrow("not_found");
});

test("[FLOW3] a workflow that begins anew in the middle goes on with the task it has", async () => {
  const client = await admin.userWithKey("flow9");
  const { id } = await client.json<{ id: string }>("/", { prompt: "hold it" });
  await until(
    () => Promise.resolve(steering().started),
    (made) => made.some((what) => what.includes("gated")),
  );
  await (await binding().get(`${id}-1`)).restart();
  openGate("flow");
  expect(await client.ended(id)).toMatchObject({ status: "completed", attempts: 1 });
  expect(steering().started.filter((what) => what.startsWith("plan"))).toHaveLength(1);
  expect(steering().started.filter((what) => what.startsWith("call gated part"))).toHaveLength(3);
});

test("[FLOW4] what is too large for a step, or named twice, fails the task and says why", async () => {
  const client = await admin.userWithKey("flow4");
  const large = await client.ended(await client.submit("flow_large"));
  expect(large).toMatchObject({ status: "failed", error: { code: "too_large" } });
  const twice = await client.ended(await client.submit("flow_twice"));
  expect(twice).toMatchObject({ status: "failed", error: { code: "duplicate_step" } });
});

test("[FLOW5] a cancel ends the workflow, its children and their calls", async () => {
  const client = await admin.userWithKey("flow5");
  const { id } = await client.json<{ id: string }>("/", { prompt: "hold it" });
  await until(
    () => Promise.resolve(steering().started),
    (made) => made.some((what) => what.includes("gated")),
  );
  await client.json(`/api/tasks/${id}/cancel`, {});
  expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
  expect(
    await until(
      () => statusOf(`${id}-1`),
      (status) => status === "terminated",
    ),
  ).toBe("terminated");
  await until(
    () => Promise.resolve(steering().live.size),
    (live) => live === 0,
  );
  const { status } = await client.json<{ status: Workflow }>(`/${id}`);
  expect(status.status).toBe("terminated");
});

test("[FLOW6] a workflow that is terminated from outside fails its task", async () => {
  const client = await admin.userWithKey("flow6");
  const id = await client.submit("flow_steps", { name: "flow6" });
  await until(
    () => Promise.resolve(steering().started.includes("flow6")),
    (is) => is,
  );
  await (await binding().get(`${id}-1`)).terminate();
  const ended = await client.ended(id);
  expect(ended).toMatchObject({ status: "failed", attempts: 1, error: { code: "fatal" } });
  expect(JSON.stringify(ended.error)).toContain("terminated from outside");
});

test("[FLOW6] an end of which the task was not told is found by itself", async () => {
  const client = await admin.userWithKey("flow7");
  openGate("lose ends");
  const id = await client.submit("flow_quick");
  expect(await client.ended(id)).toMatchObject({ status: "completed", output: "done" });
});

test("[FLOW7] a failed attempt is tried again with another workflow, and its finished steps are not", async () => {
  const client = await admin.userWithKey("flow8");
  const id = await client.submit("flow_fails", { times: 1 });
  expect(await client.ended(id)).toMatchObject({ status: "completed", output: "attempt 2" });
  expect(
    await until(
      () => statusOf(`${id}-1`),
      (status) => status === "errored",
    ),
  ).toBe("errored");
  const failed = await client.submit("flow_fails", { times: 2 });
  expect(await client.ended(failed)).toMatchObject({
    status: "failed",
    attempts: 2,
    error: { code: "handler_failed" },
  });
});
