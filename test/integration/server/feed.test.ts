import { afterEach, beforeEach, expect, test } from "vitest";

import { parseFeedEvent } from "../../../src/client/feed-event.ts";
import { emptyView, foldTask, isTaskEvent } from "../../../src/client/index.ts";
import { openDoor, until, type Door } from "./door.ts";
import { readEvents, textOfEvents, type Seen } from "./event-reader.ts";

let door: Door;
beforeEach(async () => {
  door = await openDoor();
});
afterEach(async () => {
  await door.close();
});

const acts = [
  { say: "Hel" },
  { step: "first" },
  { say: "lo \ud83d\ude00" },
  { tool: "look", input: { q: 1 } },
  { progress: 4 },
  { say: "\n\nevent: end\ndata: {}\n\n" },
  { step: "second" },
  { say: "bye" },
  { output: { text: "x" } },
];
const said = "Hello \ud83d\ude00\n\nevent: end\ndata: {}\n\nbye";

async function follow(taskId: string, after?: string | null): Promise<readonly Seen[]> {
  const headers = after === undefined || after === null ? {} : { "last-event-id": after };
  return await readEvents(
    await door.send("GET", `/api/tasks/${taskId}/stream`, { headers }),
  ).rest();
}

const withIds = (events: readonly Seen[]): Seen[] => events.filter(({ id }) => id !== null);

test("[SSE1] behind every event of a recorded run a reader gets exactly the rest, live or read back", async () => {
  const id = await door.submit("script", { acts: [{ gate: "start" }, ...acts] });
  const live = readEvents(await door.send("GET", `/api/tasks/${id}/stream`));
  await live.until(({ name }) => name === "up-to-date");
  door.steer.open("start");
  const recorded = withIds(await live.rest());
  expect(recorded.at(-1)?.name).toBe("end");
  expect(textOfEvents(recorded)).toBe(said);

  const whole = withIds(await follow(id));
  expect(whole.slice(-recorded.length)).toEqual(recorded);
  expect(new Set(whole.map((event) => event.id)).size).toBe(whole.length);
  for (const [index, { id: cursor }] of whole.entries()) {
    expect(withIds(await follow(id, cursor))).toEqual(whole.slice(index + 1));
    const byQuery = await door.send("GET", `/api/tasks/${id}/stream?after=${cursor}`);
    expect(withIds(await readEvents(byQuery).rest())).toEqual(whole.slice(index + 1));
  }
});

test("[SSE1] a reader that joins in the middle of a run misses nothing and gets nothing twice", async () => {
  const id = await door.submit("script", {
    acts: acts.flatMap((act, index) => [{ gate: `g${index}` }, act]),
  });
  const readers = [];
  for (let index = 0; index < acts.length; index += 1) {
    const reader = readEvents(await door.send("GET", `/api/tasks/${id}/stream`));
    readers.push(reader);
    await reader.until(({ name }) => name === "up-to-date");
    door.steer.open(`g${index}`);
  }
  const texts = [];
  for (const reader of readers) texts.push((await reader.rest()).at(-1)?.name);
  expect(texts).toEqual(acts.map(() => "end"));
  const [first, last] = [await follow(id), await follow(id)];
  expect(first).toEqual(last);
  expect(textOfEvents(first)).toBe(said);
});

test("[SSE1] a task's own cursor continues exactly behind its partial text", async () => {
  const id = await door.submit("script", {
    acts: [{ say: "one " }, { gate: "a" }, { say: "two" }, { output: null }],
  });
  await until(door, id, (task) => task["partial"] === "one ");
  const { body } = await door.json("GET", `/api/tasks/${id}`);
  const reader = readEvents(
    await door.send("GET", `/api/tasks/${id}/stream?after=${String(body["cursor"])}`),
  );
  await reader.until(({ name }) => name === "up-to-date");
  door.steer.open("a");
  const rest = await reader.rest();
  expect(
    rest.filter(({ name }) => name === "token").map(({ data }) => [data["offset"], data["text"]]),
  ).toEqual([[4, "two"]]);
});

test("[SSE2] whoever comes back behind the end gets 204, and everybody before it the end", async () => {
  const id = await door.submit("script", { acts });
  await until(door, id, (task) => task["completedAt"] !== null);
  // The first reader of a task that was accepted a moment ago is told from memory, the second from the disk.
  const whole = withIds(await follow(id));
  expect(withIds(await follow(id))).toEqual(whole);
  const last = whole.at(-1)?.id ?? "";
  const done = await door.send("GET", `/api/tasks/${id}/stream`, {
    headers: { "last-event-id": last },
  });
  expect([done.status, await done.text()]).toEqual([204, ""]);
  expect((await follow(id, whole.at(-2)?.id)).map(({ name }) => name)).toEqual(["end"]);
  expect(whole.at(-1)?.data).toMatchObject({
    task: { id, status: "completed", output: { text: "x" }, input: { acts: expect.any(Array) } },
  });
});

test.each(["x", "1.2", "1.2.3.4", "-1.0.0", "1e3.0.0", "9".repeat(40), "1.1.1\u00e9"])(
  "[HTTP4] %j is no cursor, in the header and in the query",
  async (cursor) => {
    const id = await door.submit("echo");
    const path = `/api/tasks/${id}/stream`;
    const answers = [
      await door.json("GET", path, { headers: { "last-event-id": cursor } }),
      await door.json("GET", `${path}?after=${encodeURIComponent(cursor)}`),
    ];
    for (const { status, body } of answers)
      expect([status, body["code"]]).toEqual([400, "invalid_request"]);
  },
);

test("[SSE9] the feed of a task that was tried again goes past its earlier end", async () => {
  const id = await door.submit("script", {
    acts: [{ say: "try " }, { gate: "go" }, { fail: "no luck" }],
  });
  const first = readEvents(await door.send("GET", `/api/tasks/${id}/stream`));
  door.steer.open("go");
  const ended = (await first.rest()).at(-1);
  expect(ended).toMatchObject({
    name: "end",
    data: {
      task: { status: "failed", error: { code: "fatal", message: "no luck" }, partial: "try " },
    },
  });
  await door.json("POST", `/api/tasks/${id}/retry`);
  await until(door, id, (task) => task["attempts"] === 2 && task["status"] === "failed");
  const whole = await follow(id);
  expect(whole.filter(({ name }) => name === "end")).toHaveLength(1);
  expect(whole.map(({ name }) => name)).toContain("reset");
  expect(textOfEvents(whole)).toBe("try ");
  // Whoever had seen the first end gets what came after it.
  const more = await follow(id, ended?.id);
  expect(more.map(({ name }) => name).at(-1)).toBe("end");
  expect(textOfEvents(more)).toBe("try ");
});

test("[SSE4] a queued task's place comes as a state without an id, and does not move the reader's place", async () => {
  const blockers = [
    await door.submit("script", { acts: [{ gate: "a" }] }),
    await door.submit("script", { acts: [{ gate: "b" }] }),
  ];
  const id = await door.submit("echo", 1);
  const reader = readEvents(await door.send("GET", `/api/tasks/${id}/stream`));
  const seen = await reader.until(
    ({ name, data }) => name === "state" && JSON.stringify(data).includes('"position":1'),
  );
  expect(seen.at(-1)?.id).toBeNull();
  door.steer.releaseAll();
  expect((await reader.rest()).at(-1)?.name).toBe("end");
  for (const blocker of blockers)
    await until(door, blocker, (task) => task["completedAt"] !== null);
});

test("[SSE7] a client that goes away leaves its task alone and frees its stream", async () => {
  const id = await door.submit("script", {
    acts: [{ say: "a" }, { gate: "g" }, { say: "b" }, { output: 1 }],
  });
  const reader = readEvents(await door.send("GET", `/api/tasks/${id}/stream`));
  await reader.until(({ name }) => name === "token");
  expect(door.engine.feeds.size).toBe(1);
  await reader.leave();
  expect(door.engine.feeds.size).toBe(0);
  door.steer.open("g");
  expect(await until(door, id, (task) => task["completedAt"] !== null)).toMatchObject({
    status: "completed",
  });
});

test("[SSE7] HEAD of a stream answers its headers and opens nothing", async () => {
  const id = await door.submit("script", { acts: [{ gate: "g" }] });
  for (const path of [`/api/tasks/${id}/stream`, "/api/events"]) {
    const response = await door.send("HEAD", path);
    expect([response.status, response.headers.get("content-type"), response.body]).toEqual([
      200,
      "text/event-stream; charset=utf-8",
      null,
    ]);
  }
  expect(door.engine.feeds.size).toBe(0);
});

test("[SSE3] a user's feed begins with the states of open tasks and goes on with everything, each event with its task", async () => {
  const open = await door.submit("script", {
    acts: [
      { say: "so far" },
      { gate: "g" },
      { say: ", and more" },
      { tool: "look", input: 1 },
      { output: { text: "." } },
    ],
  });
  await until(door, open, (task) => task["partial"] === "so far");
  const reader = readEvents(await door.send("GET", "/api/events"));
  const past = await reader.until(({ name }) => name === "up-to-date");
  expect(past).toMatchObject([
    {
      name: "state",
      data: {
        task: { id: open, partial: "so far", status: "running", cursor: expect.any(String) },
      },
    },
    { name: "up-to-date" },
  ]);
  door.steer.open("g");
  const live = await reader.until(
    ({ name, data }) => name === "end" && JSON.stringify(data).includes(open),
  );
  expect(live.every(({ id }) => id === null)).toBe(true);
  expect(live.find(({ name }) => name === "token")?.data).toEqual({
    type: "llm.token",
    operation_id: open,
    text: ", and more",
    offset: 6,
  });
  expect(live.filter(({ name }) => name === "tool").map(({ data }) => data["state"])).toEqual([
    "intended",
    "confirmed",
  ]);

  await door.json("POST", "/api/chat/stream", { body: { message: "help", sessionId: "s1" } });
  const chat = await reader.until(
    ({ name, data }) =>
      name === "session" &&
      JSON.stringify(data).includes('"status":"completed"') &&
      data["activeTaskId"] === null,
  );
  expect(chat.find(({ name }) => name === "session")?.data).toMatchObject({
    sessionId: "s1",
    message: { role: "user", parts: [{ type: "text", text: "help" }] },
  });
  await reader.leave();
});

test("[SSE3] what happens while a user's feed begins is told once, behind the states", async () => {
  const ids = [];
  for (let index = 0; index < 120; index += 1)
    ids.push(
      await door.submit("script", { acts: [{ gate: `g${index}` }, { say: "x" }, { output: 1 }] }),
    );
  const reader = readEvents(await door.send("GET", "/api/events"));
  const busy = door.submit("echo", "late");
  door.steer.open("g0");
  const past = await reader.until(({ name }) => name === "up-to-date");
  expect(past.filter(({ name }) => name === "state").length).toBeGreaterThanOrEqual(119);
  const late = await busy;
  door.steer.releaseAll();
  const ended = new Set<string>(
    past
      .filter(({ name }) => name === "end")
      .map(({ data }) => (data["task"] as { id: string }).id),
  );
  while (ended.size < 121) {
    const event = await reader.next();
    if (event?.name === "end") ended.add((event.data["task"] as { id: string }).id);
  }
  expect([...ended].toSorted()).toEqual([...ids, late].toSorted());
  await reader.leave();
});

test("[SSE5] a reader that takes nothing is dropped when its limit is passed; the others and the task do not notice", async () => {
  const small = await openDoor({ settings: { limits: { streamQueueBytes: 20_000 } } });
  const id = await small.submit("script", {
    acts: [
      { gate: "g" },
      ...Array.from({ length: 200 }, () => ({ say: "y".repeat(500) })),
      { output: 1 },
    ],
  });
  const stalled = await small.send("GET", `/api/tasks/${id}/stream`);
  const good = readEvents(await small.send("GET", `/api/tasks/${id}/stream`));
  await good.until(({ name }) => name === "up-to-date");
  small.steer.open("g");
  const seen = await good.rest();
  expect(textOfEvents(seen)).toHaveLength(100_000);
  await expect(readEvents(stalled).rest()).rejects.toThrow();
  await small.close();
});

test("[SSE5] a long backlog reaches a slow reader whole", async () => {
  const small = await openDoor({ settings: { limits: { streamQueueBytes: 20_000 } } });
  const id = await small.submit("script", {
    acts: [{ say: "slowly ".repeat(1_000), times: 300 }, { output: 1 }],
  });
  await until(small, id, (task) => task["completedAt"] !== null);
  const seen = await readEvents(await small.send("GET", `/api/tasks/${id}/stream`)).rest();
  expect(textOfEvents(seen)).toBe("slowly ".repeat(300_000));
  expect(seen.at(-1)?.name).toBe("end");
  await small.close();
});

test("[SSE6] streams say that they are not to be cached or buffered, and begin with when to come back", async () => {
  const id = await door.submit("script", { acts: [{ gate: "g" }] });
  const response = await door.send("GET", `/api/tasks/${id}/stream`);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  const reader = response.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("retry: 2000\n\n");
  await reader?.cancel();
});

test("[SSE1] the client's own fold of a feed arrives at the stored text, and reads every event", async () => {
  const id = await door.submit("script", { acts });
  let view = emptyView(id);
  for (const { name, data } of await follow(id)) {
    const event = parseFeedEvent(name, JSON.stringify(data), id);
    expect(event).not.toBeNull();
    if (event !== null && isTaskEvent(event)) view = foldTask(view, event);
  }
  expect(view).toMatchObject({
    stream: { attempt: expect.any(Number), text: said, broken: false },
    steps: ["first", "second"],
    tools: [{ name: "look", state: "confirmed" }],
    task: { status: "completed", progress: { done: 4 } },
  });
});
