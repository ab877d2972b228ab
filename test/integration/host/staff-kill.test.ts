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
