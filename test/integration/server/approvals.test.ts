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

async function asks(
  act: object = { approve: "Send the mail?" },
): Promise<{ taskId: string; approvalId: string }> {
  const taskId = await door.submit("script", { acts: [act] });
  const task = await until(door, taskId, ({ status }) => status === "waiting");
  const { approvalId } = task["reason"] as { approvalId: string };
  return { taskId, approvalId };
}

async function listed(): Promise<unknown> {
  return (await door.json("GET", "/api/approvals")).body["approvals"];
}

test("[APPROVE1] a question is listed, said by `why`, approved once, and the task goes on", async () => {
  const { taskId, approvalId } = await asks();
  expect(await listed()).toMatchObject([
    { id: approvalId, taskId, taskType: "script", question: "Send the mail?", untilAt: null },
  ]);
  const why = await door.json("GET", `/api/tasks/${taskId}/why`);
  expect(why.body).toMatchObject({
    status: "waiting",
    reason: { code: "approval", approvalId, message: "waits for your approval: Send the mail?" },
  });
  const yes = await door.json("POST", `/api/approvals/${approvalId}/approve`, {
    body: { comment: "go" },
  });
  expect(yes).toMatchObject({ status: 200, body: { id: taskId } });
  const task = await until(door, taskId, ({ status }) => status === "completed");
  expect(task["output"]).toEqual({ approved: true, comment: "go", timedOut: false });
  expect(await listed()).toEqual([]);
  for (const verb of ["approve", "reject"])
    expect((await door.json("POST", `/api/approvals/${approvalId}/${verb}`)).status).toBe(404);
});

test("[APPROVE1] a no is an answer, and so is time that is over", async () => {
  const no = await asks();
  await door.json("POST", `/api/approvals/${no.approvalId}/reject`);
  const rejected = await until(door, no.taskId, ({ status }) => status === "completed");
  expect(rejected["output"]).toEqual({ approved: false, comment: null, timedOut: false });
  const late = await asks({ approve: "Now?", timeoutMs: 50 });
  const timedOut = await until(door, late.taskId, ({ status }) => status === "completed");
  expect(timedOut["output"]).toEqual({ approved: false, comment: null, timedOut: true });
  expect(await listed()).toEqual([]);
});

test("[APPROVE2] it holds no slot, no event answers it, and a cancelled task asks no more", async () => {
  const { taskId, approvalId } = await asks();
  expect((await door.json("GET", "/api/queues")).body).toMatchObject({
    queues: expect.arrayContaining([expect.objectContaining({ name: "steered", running: 0 })]),
  });
  const event = { name: "approval:1", payload: { approved: true } };
  for (const name of [event.name, "approval#1"])
    await door.json("POST", `/api/tasks/${taskId}/event`, { body: { ...event, name } });
  expect((await door.json("GET", `/api/tasks/${taskId}`)).body["status"]).toBe("waiting");
  await door.json("POST", `/api/tasks/${taskId}/cancel`);
  expect(await listed()).toEqual([]);
  expect((await door.json("GET", `/api/approvals/${approvalId}`)).status).toBe(404);
});

test("[APPROVE1] the feed tells when a question comes and when it needs no answer any more", async () => {
  const feed = readEvents(await door.send("GET", "/api/events"));
  const { approvalId } = await asks({ approve: "Go?", details: { to: "ann" } });
  const asked = await feed.until(({ name }) => name === "approval");
  expect(asked.at(-1)?.data).toMatchObject({
    type: "approval.asked",
    approval: { id: approvalId, question: "Go?", details: { to: "ann" } },
  });
  await door.json("POST", `/api/approvals/${approvalId}/approve`);
  const settled = await feed.until(({ data }) => data["type"] === "approval.settled");
  await feed.leave();
  expect(settled.at(-1)?.data).toMatchObject({ approvalId, approval: null });
});
