/** Changing queues and priorities over HTTP, with the client. */
import { afterEach, expect, test } from "vitest";

import { createClient, type ErrandClient } from "../../../src/client/index.ts";
import { adminKey, keyFor, openDoor, until, type Door } from "./door.ts";

const doors: Door[] = [];
afterEach(async () => {
  await Promise.all(doors.splice(0).map((door) => door.close()));
});

async function opened(options: Parameters<typeof openDoor>[0] = {}): Promise<Door> {
  const door = await openDoor(options);
  doors.push(door);
  return door;
}

function clientOf(door: Door, apiKey: string | null = null): ErrandClient {
  return createClient({
    baseUrl: "http://localhost",
    apiKey,
    fetch: (input, init) => Promise.resolve(door.server.fetch(new Request(input, init))),
  });
}

test("[HTTP15] a paused queue says so, and goes on when it is resumed", async () => {
  const door = await opened();
  const client = clientOf(door);
  expect(await client.queues.pause("steered")).toMatchObject({ name: "steered", paused: true });
  const { task } = await client.tasks.submit({ type: "echo", input: 1 });
  expect((await client.tasks.why(task.id)).message).toContain("paused");
  expect((await client.tasks.get(task.id)).reason).toMatchObject({
    code: "slot",
    position: 1,
    cause: { code: "queue_paused", untilAt: null },
  });
  await client.queues.resume("steered");
  await until(door, task.id, ({ status }) => status === "completed");
});

test("[HTTP15] limits are changed while it runs, and what is not named stays", async () => {
  const door = await opened();
  const client = clientOf(door);
  await client.queues.change("steered", { slots: 3, requestsPerMinute: 60 });
  const changed = await client.queues.change("steered", { tokensPerMinute: 1_000 });
  expect(changed).toMatchObject({ slots: 3, requestsPerMinute: 60, tokensPerMinute: 1_000 });
  const free = await client.queues.change("steered", { requestsPerMinute: null });
  expect(free.requestsPerMinute).toBeNull();
  await expect(client.queues.change("steered", { slots: 0 })).rejects.toThrow();
  await expect(client.queues.pause("nosuch")).rejects.toThrow("nosuch");
  expect((await client.queues.list()).map((queue) => queue.name)).toContain("steered");
});

test("[HTTP15] a waiting task is promoted by its owner, and only the admin changes queues", async () => {
  const door = await opened({ auth: true });
  const [ann, bob] = [await keyFor(door, "ann"), await keyFor(door, "bob")];
  await clientOf(door, adminKey).queues.pause("steered");
  const { task } = await clientOf(door, ann).tasks.submit({ type: "echo", input: 1 });
  const promoted = await clientOf(door, ann).tasks.prioritize(task.id, "interactive");
  expect(promoted.priority).toBe("interactive");
  await expect(clientOf(door, bob).tasks.prioritize(task.id, "batch")).rejects.toThrow();
  await expect(clientOf(door, ann).queues.resume("steered")).rejects.toThrow();
});

test("[SEC27] who is charged for a task, and with which weight, is the admin's to say and not the charged one's", async () => {
  const door = await opened({ auth: true });
  const key = await keyFor(door, "u1");
  for (const field of [{ weight: 100 }, { fairnessKey: "u2" }]) {
    const body = { type: "echo", input: {}, ...field };
    const [name = ""] = Object.keys(field);
    const refused = await door.json("POST", "/api/tasks", { body, key });
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ code: "forbidden", errors: [{ field: name }] });
    expect((await door.json("POST", "/api/tasks", { body, key: adminKey })).status).toBe(201);
  }
  expect((await door.json("GET", "/api/tasks", { key })).body["tasks"]).toEqual([]);
});
