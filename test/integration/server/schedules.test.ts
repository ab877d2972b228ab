import { afterEach, expect, test } from "vitest";

import { cronCalendar } from "../../../src/adapters/croner/calendar.ts";
import { createMemoryStore } from "../../../src/adapters/memory/memory-store.ts";
import type { Calendar } from "../../../src/ports/calendar.ts";
import { adminKey, openDoor, until, type Door, type DoorOptions } from "./door.ts";

const doors: Door[] = [];
afterEach(async () => {
  for (const door of doors.splice(0)) await door.close();
});

async function open(options: DoorOptions = {}): Promise<Door> {
  const door = await openDoor(options);
  doors.push(door);
  return door;
}

const morning = { name: "morning", cron: "30 8 * * 1-5", timeZone: "Europe/Berlin", type: "echo" };
const farMs = 86_400_000;

/** Answers these offsets from now, one for each tick that is asked for; then only the far future. */
function scripted(...offsetsMs: number[]): Calendar {
  return {
    ...cronCalendar,
    next: (_cron, _zone, _after, count) =>
      count > 1 ? [] : [Date.now() + (offsetsMs.shift() ?? farMs)],
  };
}

async function listed(door: Door): Promise<Readonly<Record<string, unknown>>[]> {
  const { body } = await door.json("GET", "/api/tasks?type=echo");
  return body["tasks"] as Readonly<Record<string, unknown>>[];
}

test("[SCHED1] a schedule is made, read, replaced, paused, run by hand and removed", async () => {
  const door = await open();
  const made = await door.json("POST", "/api/schedules", { body: { ...morning, input: { a: 1 } } });
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({ ...morning, missed: "once", paused: false, last: null });
  expect(made.body["nextRuns"]).toHaveLength(5);
  const body = { ...morning, input: { a: 2 }, missed: "skip" };
  const replaced = await door.json("POST", "/api/schedules", { body });
  expect([replaced.status, replaced.body["input"]]).toEqual([200, { a: 2 }]);
  const paused = await door.json("POST", "/api/schedules/morning/pause");
  expect(paused.body).toMatchObject({ paused: true, nextRuns: [] });
  const run = await door.json("POST", "/api/schedules/morning/run");
  expect(run.status).toBe(201);
  const id = String(run.body["id"]);
  expect(run.headers.get("location")).toBe(`/api/tasks/${id}`);
  await until(door, id, ({ status }) => status === "completed");
  const resumed = await door.json("POST", "/api/schedules/morning/resume");
  expect(resumed.body).toMatchObject({ paused: false, last: { taskId: id } });
  const all = await door.json("GET", "/api/schedules");
  expect(all.body["schedules"]).toMatchObject([{ name: "morning" }]);
  expect((await door.send("DELETE", "/api/schedules/morning")).status).toBe(204);
  expect((await door.send("GET", "/api/schedules/morning")).status).toBe(404);
  expect((await door.json("GET", "/api/schedules")).body).toEqual({ schedules: [] });
});

test("[SCHED5] wrong fields, zones and types are refused by name", async () => {
  const door = await open();
  const refused = async (change: object): Promise<unknown> =>
    (await door.json("POST", "/api/schedules", { body: { ...morning, ...change } })).body;
  expect(await refused({ cron: "61 * * * *" })).toMatchObject({
    status: 400,
    errors: [{ field: "cron" }],
  });
  expect(await refused({ timeZone: "Mars/Olympus" })).toMatchObject({
    status: 400,
    errors: [{ field: "timeZone" }],
  });
  expect(await refused({ type: "nothing" })).toMatchObject({ code: "unknown_type" });
});

test("[SCHED7] a schedule says how its last run stands, and why it failed", async () => {
  const door = await open();
  const input = { acts: [{ fail: "no coffee" }] };
  const made = await door.json("POST", "/api/schedules", {
    body: { ...morning, type: "script", input },
  });
  expect(made.body["last"]).toBeNull();
  const { body } = await door.json("POST", "/api/schedules/morning/run");
  await until(door, String(body["id"]), ({ status }) => status === "failed");
  expect((await door.json("GET", "/api/schedules/morning")).body["last"]).toMatchObject({
    taskId: body["id"],
    status: "failed",
    error: expect.stringContaining("no coffee"),
  });
  door.engine.remove(String(body["id"]));
  expect((await door.json("GET", "/api/schedules/morning")).body["last"]).toMatchObject({
    status: null,
  });
});

test("[SCHED6] a user sees and changes no schedule of another user", async () => {
  const door = await open({ auth: true });
  const keyOf = async (user: string): Promise<string> => {
    const { body } = await door.json("POST", "/api/admin/keys", { key: adminKey, body: { user } });
    return String(body["key"]);
  };
  const [ann, ben] = [await keyOf("ann"), await keyOf("ben")];
  const made = await door.send("POST", "/api/schedules", { key: ann, body: morning });
  expect(made.status).toBe(201);
  for (const [method, path] of [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "/run"],
    ["POST", "/pause"],
  ] as const)
    expect((await door.send(method, `/api/schedules/morning${path}`, { key: ben })).status).toBe(
      404,
    );
  expect((await door.json("GET", "/api/schedules", { key: ben })).body).toEqual({ schedules: [] });
});

test("[SCHED2] ticks come by themselves, each as one task, one after the other", async () => {
  const door = await open({ calendar: scripted(1, 1, 1) });
  await door.json("POST", "/api/schedules", { body: { ...morning, input: "tick" } });
  await expect.poll(async () => (await listed(door)).length, { timeout: 10_000 }).toBe(3);
  for (const { id } of await listed(door))
    await until(door, String(id), ({ status }) => status === "completed");
  const { body } = await door.json("GET", "/api/schedules/morning");
  expect(body["last"]).toMatchObject({
    taskId: (await listed(door))[0]?.["id"],
    status: "completed",
  });
});

test("[SCHED3] what was due while nothing ran is made up for once after the start", async () => {
  const store = createMemoryStore();
  const first = await open({ store, calendar: scripted(60_000) });
  await first.json("POST", "/api/schedules", { body: { ...morning, input: "tick" } });
  await first.engine.kernel.stop();
  doors.splice(0);
  const clock = { nowMs: () => Date.now() + 3 * 3_600_000 };
  const second = await open({ store, calendar: scripted(), clock });
  await expect.poll(async () => (await listed(second)).length).toBe(1);
  const { body } = await second.json("GET", "/api/schedules/morning");
  expect(body["last"]).not.toBeNull();
  expect((await listed(second)).length).toBe(1);
});
