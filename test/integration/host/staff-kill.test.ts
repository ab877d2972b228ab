/** What a person's planner was told outlives kill -9. */
import { afterEach, expect, test } from "vitest";

import { createClient } from "../../../src/client/index.ts";
import { dataFolder } from "../engine/workbench.ts";
import { startServer, type ServerProcess } from "./server-process.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function started(
  dir: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const server = await startServer(dir, env);
  closing.push(() => server.kill());
  return server;
}

function folder(): string {
  const { dir, remove } = dataFolder();
  closing.push(() => Promise.resolve(remove()));
  return dir;
}

test("[TODO8] acknowledged todos are there after kill -9, and a repeated wish changes nothing", async () => {
  const dir = folder();
  const first = await started(dir);
  const client = createClient({ baseUrl: first.url });
  const added = await client.todos.add({ text: "buy milk" }, "tap-1");
  const [id = ""] = added.todoIds;
  await client.todos.change(id, { done: true }, "tap-2");
  await first.kill();
  const after = createClient({ baseUrl: (await started(dir)).url });
  expect(await after.todos.list()).toMatchObject({ todos: [{ id, status: "done" }], seq: 2 });
  expect((await after.todos.add({ text: "buy milk" }, "tap-1")).todoIds).toEqual([id]);
  await after.todos.change(id, { done: true }, "tap-2");
  expect(await after.todos.list()).toMatchObject({ todos: [{ id, status: "done" }], seq: 2 });
});

test("[REMIND2] a reminder that was due while the server was dead is said once, after the restart", async () => {
  const dir = folder();
  const first = await started(dir);
  const client = createClient({ baseUrl: first.url });
  const at = new Date(Date.now() + 300).toISOString();
  const { id } = await client.planner.remind({ text: "call Ann", at, sessionId: "main" }, "tap");
  await first.kill();
  const second = await started(dir);
  const after = createClient({ baseUrl: second.url });
  for await (const item of after.events()) {
    if (item.kind !== "event") continue;
    const [reminder] = await after.planner.reminders();
    if (reminder?.last !== null) break;
  }
  expect(await after.planner.reminders()).toMatchObject([{ id, nextAt: null }]);
  expect(
    await after.planner.remind({ text: "call Ann", at, sessionId: "main" }, "tap"),
  ).toMatchObject({ id });
  await second.kill();
  const third = createClient({ baseUrl: (await started(dir)).url });
  const session = await third.chat.session("main");
  expect(session?.messages.map(({ parts }) => parts[0])).toEqual([
    { type: "text", text: "Reminder: call Ann" },
  ]);
});
