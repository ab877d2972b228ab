import { afterEach, beforeEach, expect, test } from "vitest";

import { openDoor, until, type Door } from "./door.ts";
import { readEvents } from "./event-reader.ts";

let door: Door;
beforeEach(async () => {
  door = await openDoor();
});
afterEach(async () => {
  await door.close();
});

const dayMs = 86_400_000;
const far = new Date(Date.now() + 400 * dayMs).toISOString();

test("[REMIND1] a reminder is set, read, put off and removed over HTTP, once for its key", async () => {
  const body = { text: "call Ann", at: far, client_action_id: "tap" };
  const set = await door.json("POST", "/api/reminders", { body });
  expect(set).toMatchObject({
    status: 201,
    body: { text: "call Ann", nextAt: far, cron: null, last: null },
  });
  const again = await door.json("POST", "/api/reminders", { body });
  expect([again.status, again.body["id"]]).toEqual([200, set.body["id"]]);
  const path = `/api/reminders/${String(set.body["id"])}`;
  const later = new Date(Date.now() + 401 * dayMs).toISOString();
  expect((await door.json("POST", `${path}/snooze`, { body: { until: later } })).status).toBe(200);
  expect((await door.json("GET", path)).body).toMatchObject({ nextAt: far });
  const over = await door.json("POST", `${path}/snooze`, {
    body: { until: new Date(Date.now() - dayMs).toISOString() },
  });
  expect(over).toMatchObject({ status: 400, body: { errors: [{ field: "until" }] } });
  const list = await door.send("GET", "/api/reminders");
  expect(await list.json()).toMatchObject({ state: { reminders: [{ id: set.body["id"] }] } });
  const headers = { "if-none-match": list.headers.get("etag") ?? "" };
  expect((await door.send("GET", "/api/reminders", { headers })).status).toBe(304);
  expect((await door.send("DELETE", path)).status).toBe(204);
  expect((await door.send("GET", path)).status).toBe(404);
});

test("[REMIND1] at its time it comes on the feed and is said in its chat", async () => {
  const feed = readEvents(await door.send("GET", "/api/events"));
  const at = new Date(Date.now() + 50).toISOString();
  await door.json("POST", "/api/reminders", { body: { text: "call Ann", at, sessionId: "main" } });
  const seen = await feed.until(({ data }) => data["type"] === "reminder.rang");
  expect(seen.at(-1)?.data).toMatchObject({
    reminder: { text: "call Ann", nextAt: null, last: { missed: false } },
  });
  await feed.until(({ name }) => name === "session");
  await feed.leave();
  const session = await door.json("GET", "/api/sessions/main");
  expect(session.body).toMatchObject({
    state: {
      messages: [
        { role: "assistant", status: "completed", parts: [{ text: "Reminder: call Ann" }, {}] },
      ],
    },
  });
});

test("[REMIND3] one that comes again is planned on its person's clock", async () => {
  await door.json("POST", "/api/profile", { body: { timeZone: "Asia/Tokyo" } });
  expect((await door.json("GET", "/api/profile")).body).toMatchObject({ timeZone: "Asia/Tokyo" });
  const set = await door.json("POST", "/api/reminders", {
    body: { text: "tea", cron: "0 9 * * *" },
  });
  expect(set.body).toMatchObject({ timeZone: "Asia/Tokyo", cron: "0 9 * * *" });
  expect(String(set.body["nextAt"])).toContain("T00:00:00.000Z");
});

test("[HTTP4] a time that is over, no time, both times and a wrong zone are refused by name", async () => {
  for (const [body, field] of [
    [{ text: "x", at: "2020-01-01" }, "at"],
    [{ text: "x", at: "2190-01-01" }, "at"],
    [{ text: "x" }, "at"],
    [{ text: "x", at: far, cron: "* * * * *" }, "at"],
    [{ text: "x", cron: "99 * * * *" }, "cron"],
    [{ text: "x", cron: "0 9 * * *", timeZone: "Mars/Olympus" }, "timeZone"],
    [{ text: " ", at: far }, "text"],
  ] as const) {
    const refused = await door.json("POST", "/api/reminders", { body });
    expect([refused.status, refused.body["errors"]]).toMatchObject([400, [{ field }]]);
  }
  expect((await door.json("POST", "/api/profile", { body: { timeZone: "Nowhere" } })).status).toBe(
    400,
  );
});

test("[PLAN2] /api/plan and /api/summary make tasks and are snapshots; a schedule plans every morning", async () => {
  expect((await door.json("GET", "/api/plan")).body).toEqual({ state: { plan: null }, seq: 0 });
  await door.json("POST", "/api/todos", { body: { text: "buy milk" } });
  const nowhere = await door.json("POST", "/api/plan", { body: { timeZone: "Mars/Olympus" } });
  expect([nowhere.status, nowhere.body["code"]]).toEqual([400, "invalid_request"]);
  const made = await door.json("POST", "/api/plan", { body: { timeZone: "UTC" } });
  expect([made.status, made.body["type"]]).toEqual([201, "daily_plan"]);
  await until(door, String(made.body["id"]), ({ status }) => status === "completed");
  const plan = await door.send("GET", "/api/plan");
  expect(await plan.json()).toMatchObject({
    state: { plan: { by: "rules", timeZone: "UTC", todoIds: [expect.any(String)] } },
  });
  const headers = { "if-none-match": plan.headers.get("etag") ?? "" };
  expect((await door.send("GET", "/api/plan", { headers })).status).toBe(304);
  const schedule = { name: "morning", cron: "0 7 * * *", type: "daily_plan", input: {} };
  await door.json("POST", "/api/schedules", { body: schedule });
  const run = await door.json("POST", "/api/schedules/morning/run");
  await until(door, String(run.body["id"]), ({ status }) => status === "completed");
  const session = await door.json("GET", "/api/sessions/planner");
  const { messages } = session.body["state"] as { messages: unknown[] };
  expect(messages).toHaveLength(2);
});

test("[SUMMARY1] a session is summed up by a task, and read as a snapshot", async () => {
  const said = await door.json("POST", "/api/chat/stream", {
    body: { message: "I like tea", sessionId: "s" },
  });
  await door.engine.ended(String(said.body["taskId"]));
  expect((await door.json("GET", "/api/summary?sessionId=s")).body).toMatchObject({
    state: { summary: null },
  });
  const made = await door.json("POST", "/api/summary", { body: { sessionId: "s" } });
  await until(door, String(made.body["id"]), ({ status }) => status === "completed");
  expect((await door.json("GET", "/api/summary?sessionId=s")).body).toMatchObject({
    state: {
      sessionId: "s",
      summary: { by: "rules", messages: 2, text: expect.stringContaining("I like tea") },
    },
  });
  for (const path of ["/api/summary", "/api/todos/extract"])
    expect((await door.json("POST", path, { body: { sessionId: "none" } })).status).toBe(404);
  const looked = await door.json("POST", "/api/todos/extract", { body: { sessionId: "s" } });
  expect([looked.status, looked.body["type"]]).toEqual([201, "extract_todos"]);
});
