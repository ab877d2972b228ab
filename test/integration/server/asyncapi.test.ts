import { expect, test } from "vitest";

import { z } from "zod";

import { openDoor, type Door } from "./door.ts";
import { readEvents } from "./event-reader.ts";

interface Messages {
  readonly components: { readonly messages: Record<string, { readonly payload: object }> };
}

/** Events that a feed tells, by name. */
async function eventsOf(door: Door): Promise<readonly { name: string; data: unknown }[]> {
  const reader = readEvents(await door.send("GET", "/api/events"));
  await reader.until(({ name }) => name === "up-to-date");
  await door.json("POST", "/api/chat/stream", { body: { message: "help", sessionId: "s1" } });
  const acts = [
    { say: "x" },
    { progress: 1 },
    { step: "s" },
    { tool: "look", input: 1 },
    { fail: "no luck" },
  ];
  const id = await door.submit("script", { acts });
  const isEndOfIt = (name: string, data: unknown): boolean =>
    name === "end" && JSON.stringify(data).includes(id);
  const first = await reader.until(({ name, data }) => isEndOfIt(name, data));
  await door.submit("script", { acts: [{ approve: "Go on?" }] });
  const asked = await reader.until(({ name }) => name === "approval");
  await door.json("POST", "/api/todos", { body: { text: "t" } });
  const at = new Date(Date.now() + 86_400_000).toISOString();
  await door.json("POST", "/api/reminders", { body: { text: "r", at } });
  await door.json("POST", `/api/tasks/${id}/retry`);
  const second = await reader.until(({ name, data }) => isEndOfIt(name, data));
  await reader.leave();
  return [...first, ...asked, ...second];
}

test("[WS8] /asyncapi.json names every event that is pushed, and each is of the shape it says", async () => {
  const door = await openDoor();
  const { body } = await door.json("GET", "/asyncapi.json");
  expect(body).toMatchObject({
    asyncapi: "3.0.0",
    channels: { socket: { address: "/ws/tasks" }, task: { address: "/api/tasks/{taskId}/stream" } },
  });
  const { messages } = (body as unknown as Messages).components;
  const seen = await eventsOf(door);
  for (const { name, data } of seen) {
    const payload = messages[name]?.payload;
    const result = z
      .fromJSONSchema(payload as Parameters<typeof z.fromJSONSchema>[0])
      .safeParse(data);
    expect({ name, issues: result.error?.issues ?? [] }).toEqual({ name, issues: [] });
  }
  expect(new Set([...seen.map(({ name }) => name), "up-to-date"])).toEqual(
    new Set(Object.keys(messages)),
  );
  await door.close();
});
