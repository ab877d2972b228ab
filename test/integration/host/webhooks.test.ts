import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";

import { createMemoryStore } from "../../../src/adapters/memory/memory-store.ts";
import { startFakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import type { Engine } from "../../../src/engine/index.ts";
import {
  forgetReceiver,
  watchWebhooks,
  webhookTask,
  type DeliverWebhook,
} from "../../../src/tasks/index.ts";
import { openDoor, until, type Door } from "../server/door.ts";
import { dataFolder } from "../engine/workbench.ts";
import { receiver, secret, type Receiver } from "./receiver.ts";
import { json, post, startServer, type ServerProcess } from "./server-process.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function opened(answers: number[]): Promise<Receiver> {
  const made = await receiver(answers);
  closing.push(() => made.close());
  return made;
}

async function world(url: string): Promise<{ readonly start: () => Promise<ServerProcess> }> {
  const model = await startFakeModel();
  const { dir, remove } = dataFolder();
  closing.push(() => model.close(), remove);
  return {
    start: async () => {
      const server = await startServer(dir, {
        ERRAND_MODEL_BASE_URL: model.baseUrl,
        ERRAND_WEBHOOK_URL: url,
        ERRAND_WEBHOOK_SECRET: secret,
      });
      closing.push(() => server.kill());
      return server;
    },
  };
}

const ask = (input: string): RequestInit => post({ model: "chat", input, background: true });

test(
  "[HOOK1,HOOK4] the end of a response is told once, verified by OpenAI's client, and again after a failed delivery",
  { timeout: 60_000 },
  async () => {
    const { url, got, count } = await opened([500]);
    const { url: base } = await (await world(url)).start();
    const made = (await json(`${base}/v1/responses`, ask("[[say done]]"))) as { id: string };
    await count(2);
    expect(got).toEqual([
      { id: got[0]?.id, type: "response.completed", about: made.id, message: "" },
      { id: got[0]?.id, type: "response.completed", about: made.id, message: "" },
    ]);
    const task = (await json(
      `${base}/api/tasks`,
      post({ type: "note", input: { text: "x" } }),
    )) as { id: string };
    await count(3);
    expect(got[2]).toMatchObject({ type: "task.completed", about: task.id });
  },
);

test(
  "[HOOK5] a receiver that says 410 gets nothing more, also from the next process",
  { timeout: 60_000 },
  async () => {
    const { url, got, count } = await opened([410]);
    const { start } = await world(url);
    const first = await start();
    await json(`${first.url}/v1/responses`, ask("[[say one]]"));
    await count(1);
    const client = new OpenAI({ apiKey: "any", baseURL: `${first.url}/v1` });
    await ended(first.url, "webhook");
    await client.responses.create({ model: "chat", input: "[[say two]]" });
    await first.kill();
    const second = await start();
    await json(`${second.url}/v1/responses`, ask("[[say three]]"));
    await ended(second.url, "response", 3);
    const { tasks } = (await json(`${second.url}/api/tasks?type=webhook`)) as { tasks: unknown[] };
    expect(tasks).toHaveLength(1);
    expect(got).toHaveLength(1);
  },
);

test("[HOOK6] the very first end is told by the next process if this one dies before", async () => {
  const store = createMemoryStore();
  const first = await openDoor({
    store,
    tasks: [
      webhookTask(
        async () => 204,
        async () => {},
      ),
    ],
  });
  // Watching began, and the process died before an end could be submitted: nobody listens here.
  (await watchWebhooks(first.engine, ["here"], () => {}))();
  const task = await first.submit("echo", 1);
  await until(first, task, ({ status }) => status === "completed");
  await first.close();
  const delivered: string[] = [];
  const deliver: DeliverWebhook = async (_target, { body }) => {
    delivered.push((JSON.parse(body) as { data: { id: string } }).data.id);
    return 204;
  };
  const second = await openDoor({ store, tasks: [webhookTask(deliver, async () => {})] });
  const stop = await watchWebhooks(second.engine, ["here"], () => {});
  await webhooksOver(second);
  stop();
  expect(delivered).toEqual([task]);
  await second.close();
});

test("[HOOK5] that a receiver is gone is known without its delivery", async () => {
  const store = createMemoryStore();
  const deliver: DeliverWebhook = async () => 410;
  const tasks = (engine: () => Engine) => [
    webhookTask(deliver, (target) => forgetReceiver(engine(), target)),
  ];
  const first: Door = await openDoor({ store, tasks: tasks(() => first.engine) });
  const stopFirst = await watchWebhooks(first.engine, ["here"], () => {});
  await first.submit("echo", 1);
  await webhooksOver(first);
  stopFirst();
  const { tasks: deliveries } = await first.engine.reader.tasks({
    userId: null,
    types: ["webhook"],
    limit: 10,
  });
  for (const { id } of deliveries) expect(first.engine.remove(id)).toBe(true);
  await first.close();
  const second: Door = await openDoor({ store, tasks: tasks(() => second.engine) });
  const stop = await watchWebhooks(second.engine, ["here"], () => {});
  const task = await second.submit("echo", 2);
  await until(second, task, ({ status }) => status === "completed");
  stop();
  await second.close();
  const after = store.tasks({ userId: null, types: ["webhook"], limit: 10 });
  expect(after).toEqual([]);
});

/** Waits until there are deliveries and all of them are over. */
async function webhooksOver({ engine }: Door): Promise<void> {
  const over = Promise.withResolvers<void>();
  const look = async (): Promise<void> => {
    const { tasks } = await engine.reader.tasks({ userId: null, types: ["webhook"], limit: 10 });
    if (tasks.length > 0 && tasks.every(({ status }) => status === "completed")) over.resolve();
  };
  const stop = engine.kernel.listen({ committed: () => void look() });
  await look();
  await over.promise;
  stop();
}

/** Waits until so many tasks of a type have completed, by following the newest. */
async function ended(url: string, type: string, count = 1): Promise<void> {
  for (;;) {
    const { tasks } = (await json(`${url}/api/tasks?type=${type}`)) as {
      tasks: { id: string; status: string }[];
    };
    const open = tasks.find(({ status }) => status !== "completed");
    if (open === undefined && tasks.length >= count) return;
    if (open !== undefined) await (await fetch(`${url}/api/tasks/${open.id}/stream`)).text();
  }
}
