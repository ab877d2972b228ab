import { afterEach, expect, test } from "vitest";

import { taskScope } from "../../../src/core/scope.ts";
import type { TaskState } from "../../../src/core/task/state.ts";
import type { Door } from "./door.ts";
import { ask, chunksOf, contentOf, openClient, stored } from "./openai-client.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Asks for the slot of a task's streaming call, as its queue does for a quick question. */
async function makeRoom(door: Door, taskId: string): Promise<void> {
  const call = await door.engine.kernel.read(taskScope(taskId), (state) => {
    const operations = [...(state as TaskState).operations.values()];
    return operations.find((one) => one.kind === "call" && one.state === "granted");
  });
  if (call?.kind !== "call") throw new Error(`no call of ${taskId} streams`);
  await door.engine.command(taskId, { type: "cutCall", call: call.call, queue: call.queue });
}

test("[OAI14] an answer that made room stays one stream: what comes behind the pause is said once", async () => {
  const { door, models, close } = await openClient({ endpoint: { slots: 1, resumes: "prefill" } });
  closing.push(close);
  const body = { ...ask, stream: true, stream_options: { include_usage: true } };
  const response = await door.send("POST", "/v1/chat/completions", { body });
  const taskId = response.headers.get("x-errand-task") ?? "";
  const text = response.text();
  await models.say("one", " two");
  await models.say({ type: "text", text: " three" });
  await makeRoom(door, taskId);
  await models.say(" four", { type: "usage", inputTokens: 12, outputTokens: 1 });
  await models.finish();
  const told = await text;
  const chunks = chunksOf(told);
  expect(contentOf(chunks)).toBe("one two three four");
  expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  expect(told.match(/"finish_reason":"stop"/g)).toHaveLength(1);
  expect(told.trimEnd().endsWith("data: [DONE]")).toBe(true);
  expect(models).toMatchObject({ calls: 2, aborted: 1 });
  expect(JSON.stringify(await stored(door, taskId))).toContain("one two three four");
});

test("[OAI14] a whole answer that made room is whole", async () => {
  const { door, models, client, close } = await openClient({
    endpoint: { slots: 1, resumes: "prefill" },
  });
  closing.push(close);
  const answer = client.chat.completions.create(ask).asResponse();
  await models.say("one");
  await models.say(" two");
  const { tasks } = await door.engine.reader.tasks({ userId: "local", limit: 1 });
  await makeRoom(door, tasks[0]?.id ?? "");
  await models.say(" three");
  await models.finish();
  const body = (await (await answer).json()) as object;
  expect(body).toMatchObject({ choices: [{ message: { content: "one two three" } }] });
});
