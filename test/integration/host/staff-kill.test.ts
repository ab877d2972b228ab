/** What a person's planner was told outlives kill -9. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

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

const taskModule = fileURLToPath(new URL("../../../src/index.ts", import.meta.url));

test("[APPROVE2] a question outlives kill -9, and its answer lets the task go on behind finished steps", async () => {
  const dir = folder();
  writeFileSync(
    join(dir, "errand.config.ts"),
    `import { defineConfig, defineTask } from ${JSON.stringify(taskModule)};
const send = defineTask("send", {}, async (_input: unknown, ctx) => {
  const drafted = await ctx.step("draft", () => ({ at: process.pid }));
  const { approved, comment } = await ctx.approve("Send it?", { details: { to: "ann" } });
  return { approved, comment, draftedHere: drafted.at === process.pid };
});
export default defineConfig({ tasks: [send] });
`,
  );
  const first = await started(dir);
  const client = createClient({ baseUrl: first.url });
  const { task } = await client.tasks.submit({ type: "send", input: null });
  let [question] = await client.approvals.list();
  for await (const item of client.events()) {
    [question] = await client.approvals.list();
    if (item.kind === "event" && question !== undefined) break;
  }
  await first.kill();
  const second = await started(dir);
  const after = createClient({ baseUrl: second.url });
  expect(await after.approvals.list()).toEqual([question]);
  expect((await after.tasks.get(task.id)).reason).toMatchObject({ code: "approval" });
  await after.approvals.answer(question?.id ?? "", true, "yes");
  await second.kill();
  const third = createClient({ baseUrl: (await started(dir)).url });
  for await (const item of third.follow(task.id)) expect(item.kind).not.toBe("failed");
  expect(await third.tasks.get(task.id)).toMatchObject({
    status: "completed",
    output: { approved: true, comment: "yes", draftedHere: false },
  });
  expect(await third.approvals.list()).toEqual([]);
});
