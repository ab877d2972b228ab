import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";

import { userScope } from "../../src/core/scope.ts";
import { readEvents, textOfEvents, type Seen } from "../integration/server/event-reader.ts";
import { asSeen, type Frame } from "../hosts/frames.ts";
import { openGate } from "../hosts/steered.ts";
import { EdgeClient } from "./edge-client.ts";

const admin = new EdgeClient();

const said = 'Hello \ud83d\ude00"}\n\n{"t":"end"}bye';
const acts = [
  { say: "Hel" },
  { step: "first" },
  { say: "lo \ud83d\ude00" },
  { tool: "look", input: { q: 1 } },
  { progress: 4 },
  { say: '"}\n\n{"t":"end"}' },
  { say: "bye" },
  { output: { text: "x" } },
];
const isUpToDate = ({ event }: Frame): boolean => event?.type === "up-to-date";
const withIds = (events: readonly Seen[]): Seen[] => events.filter(({ id }) => id !== null);

async function feedOf(user: EdgeClient, id: string): Promise<readonly Seen[]> {
  return await readEvents(await user.fetch(`/api/tasks/${id}/stream`)).rest();
}

test("[WS1] without a subprotocol a socket tells the user's open tasks at once, then what happens", async () => {
  const user = await admin.userWithKey("ws1");
  const ids = [
    await user.submit("script", { acts: [{ gate: "ws1" }, { say: "x" }, { output: 1 }] }),
    await user.submit("script", { acts: [{ event: "never" }] }, { sessionId: "s1" }),
  ];
  const socket = await user.socket("/ws/tasks");
  expect(socket.protocol).toBe("");
  const states = asSeen(await socket.until(isUpToDate)).filter(({ name }) => name === "state");
  expect(new Set(states.map(({ data }) => (data["task"] as { id: string }).id))).toEqual(
    new Set(ids),
  );
  openGate("ws1");
  const news = await socket.until(({ event }) => event?.type === "end");
  expect(
    news.every(({ t, channel, seq }) => t === "ev" && channel === "tasks" && seq === null),
  ).toBe(true);
  expect(asSeen(news).map(({ name }) => name)).toContain("token");
  // What happens in the object of a session is told, too.
  await user.json("/api/chat/stream", { message: "help", sessionId: "s1" });
  await socket.until(({ event }) => event?.type === "session");
  socket.raw.close(1000, "enough");
  expect(await socket.closed).toEqual({ code: 1000, reason: "enough" });
  const ours = await user.socket("/ws/tasks", { "sec-websocket-protocol": "errand.v1" });
  expect(ours.protocol).toBe("errand.v1");
});

for (const [where, more] of [
  ["its user's object", {}],
  ["a session's object", { sessionId: "ws2" }],
] as const)
  test(`[WS2] behind every cursor a channel of a task in ${where} is sent exactly the rest, and the same as an event stream`, async () => {
    const user = await admin.userWithKey("ws2");
    const gate = `ws2 ${where}`;
    const id = await user.submit("script", { acts: [{ gate }, ...acts] }, more);
    const channel = `task/${id}`;
    const live = await user.socket(`/ws/tasks?taskId=${id}`);
    await live.until(isUpToDate);
    openGate(gate);
    expect(textOfEvents(asSeen(await live.rest(channel)))).toBe(said);

    const whole = withIds(await feedOf(user, id));
    const again = await user.socket(`/ws/tasks?taskId=${id}`);
    expect(withIds(asSeen(await again.rest(channel)))).toEqual(whole);
    const many = await user.socket("/ws/tasks");
    for (const [index, { id: after }] of whole.entries()) {
      // oxlint-disable-next-line no-await-in-loop -- One reader after the other.
      const one = await user.socket(`/ws/tasks?taskId=${id}&after=${after}`);
      // oxlint-disable-next-line no-await-in-loop
      expect(withIds(asSeen(await one.rest(channel)))).toEqual(whole.slice(index + 1));
      one.raw.close();
      many.send({ t: "sub", channel, after });
      // oxlint-disable-next-line no-await-in-loop
      const rest = (await many.rest(channel)).filter((frame) => frame.channel === channel);
      expect(withIds(asSeen(rest))).toEqual(whole.slice(index + 1));
    }
  });

test("[WS2] a socket that drops at any token and comes back behind it misses nothing and gets nothing twice", async () => {
  const user = await admin.userWithKey("drops");
  const words = Array.from({ length: 60 }, (_, index) => `w${index} `);
  const id = await user.submit(
    "script",
    {
      acts: [...words.flatMap((say, n) => [{ gate: `drop${n}` }, { say }]), { output: null }],
    },
    { sessionId: "drops" },
  );
  const channel = `task/${id}`;
  const seen: Seen[] = [];
  let after: string | null = null;
  let opened = 0;
  for (let at = 0; at < words.length;) {
    const query: string = after === null ? "" : `&after=${after}`;
    // oxlint-disable-next-line no-await-in-loop -- One socket after the other.
    const socket = await user.socket(`/ws/tasks?taskId=${id}${query}`);
    // Leaves after one to five tokens, sometimes while the next is under way.
    const end = Math.min(words.length, at + 1 + ((opened * 7) % 5));
    for (; at < end; at += 1) {
      openGate(`drop${at}`);
      const word = words[at];
      if (opened % 3 === 2 && at === end - 1) continue;
      // oxlint-disable-next-line no-await-in-loop
      const got = asSeen(await socket.until(({ event }) => event?.data["text"] === word));
      seen.push(...withIds(got));
      after = withIds(seen).at(-1)?.id ?? after;
    }
    socket.raw.close();
    opened += 1;
  }
  const last = await user.socket(`/ws/tasks?taskId=${id}&after=${after}`);
  seen.push(...withIds(asSeen(await last.rest(channel))));
  expect(opened).toBeGreaterThan(15);
  expect(seen).toEqual(withIds(await feedOf(user, id)));
  expect(textOfEvents(seen)).toBe(words.join(""));
});

test("[WS2] where a task has ended and all was seen, its channel ends at once; a user's channel has no history", async () => {
  const user = await admin.userWithKey("history");
  const id = await user.submit("script", { acts }, { sessionId: "history" });
  await user.ended(id);
  const last = withIds(await feedOf(user, id)).at(-1)?.id;
  const socket = await user.socket(`/ws/tasks?taskId=${id}&after=${last}`);
  expect(await socket.rest(`task/${id}`)).toEqual([{ t: "end", channel: `task/${id}` }]);
  socket.send({ t: "sub", channel: "tasks", after: last });
  expect((await socket.until(isUpToDate))[0]).toMatchObject({ t: "gap", channel: "tasks" });
});

test("[WS3] other pages' sockets are refused as HTTP, with a key or without; without Upgrade the path says what it is", async () => {
  const user = await admin.userWithKey("foreign");
  for (const client of [user, new EdgeClient(null)])
    for (const headers of [
      { origin: "https://evil.example" },
      { "sec-fetch-site": "cross-site" },
    ] as Record<string, string>[])
      // oxlint-disable-next-line no-await-in-loop -- Few.
      await expect(client.socket("/ws/tasks", headers)).rejects.toThrow("403");
  await user.socket("/ws/tasks", { origin: "http://errand.test" });
  const plain = await user.fetch("/ws/tasks");
  expect([plain.status, (await plain.json<{ code: string }>()).code]).toEqual([
    400,
    "invalid_request",
  ]);
  await expect(user.socket("/ws/tasks?after=1.0.0")).rejects.toThrow("after needs a taskId");
});

test("[WS3] another user's task is refused like one that never was, at the upgrade and in a message", async () => {
  const [one, two] = [await admin.userWithKey("one"), await admin.userWithKey("two")];
  const his = await one.submit("script", { acts: [{ event: "never" }] }, { sessionId: "s" });
  const none = "task_01k7x5q2m0f3v8k2n6r4t9w1ya";
  const words = (text: string, id: string): string =>
    text.replaceAll(id, "ID").replace(/req_\w+/, "REQ");
  const socket = await two.socket("/ws/tasks");
  const refusals: string[] = [];
  for (const id of [his, none]) {
    // oxlint-disable-next-line no-await-in-loop -- Two.
    const error = await two.socket(`/ws/tasks?taskId=${id}`).then(
      () => "open",
      (refused: unknown) => String(refused),
    );
    expect(error).toContain("404");
    socket.send({ t: "sub", channel: `task/${id}` });
    // oxlint-disable-next-line no-await-in-loop
    const frame = (await socket.until(({ t }) => t === "err")).at(-1);
    expect(frame).toMatchObject({ channel: `task/${id}`, code: "not_found" });
    refusals.push(words(error + JSON.stringify(frame), id));
  }
  expect(refusals[1]).toBe(refusals[0]);
});

test("[WS3] a key comes in a header or in the first message; a wrong one closes with 4401, and so does one that is taken back", async () => {
  const { key } = await admin.json<{ key: string }>("/api/admin/keys", { user: "keys" });
  const user = new EdgeClient(key);
  const nobody = new EdgeClient(null);
  await expect(new EdgeClient("errand_wrong").socket("/ws/tasks")).rejects.toThrow("401");
  const id = await user.submit("repeat", "mine", { sessionId: "keys" });
  const shown = await nobody.socket(`/ws/tasks?taskId=${id}`, {
    "sec-websocket-protocol": "errand.v1",
  });
  expect(shown.protocol).toBe("errand.v1");
  shown.send({ t: "auth", key });
  expect(asSeen(await shown.rest(`task/${id}`)).map(({ name }) => name)).toContain("end");
  shown.raw.close(1000, "enough");
  expect(await shown.closed).toEqual({ code: 1000, reason: "enough" });
  for (const message of [
    JSON.stringify({ t: "auth", key: "errand_wrong" }),
    JSON.stringify({ t: "sub", channel: "tasks" }),
    "{",
  ]) {
    // oxlint-disable-next-line no-await-in-loop -- Few.
    const socket = await nobody.socket("/ws/tasks");
    socket.send(message);
    // oxlint-disable-next-line no-await-in-loop
    await socket.until(({ t }) => t === "err");
    // oxlint-disable-next-line no-await-in-loop
    expect(await socket.closed).toMatchObject({ code: 4401 });
  }
  const lost = [await user.socket("/ws/tasks"), await nobody.socket("/ws/tasks")];
  lost[1]?.send({ t: "auth", key });
  for (const socket of lost)
    // oxlint-disable-next-line no-await-in-loop
    await socket.until(isUpToDate);
  await admin.fetch("/api/admin/keys/keys", undefined, { method: "DELETE" });
  for (const socket of lost)
    // oxlint-disable-next-line no-await-in-loop
    expect(await socket.closed).toMatchObject({ code: 4401 });
});

test("[WS4] bad messages are answered or close the socket, and never more than that", async () => {
  const user = await admin.userWithKey("bad");
  const socket = await user.socket("/ws/tasks");
  for (const message of [
    "{",
    "null",
    "[]",
    "7",
    "{}",
    '{"t":"nothing"}',
    '{"t":"sub"}',
    '{"t":"sub","channel":"tasks","more":1}',
    '{"t":"sub","channel":"task/../../etc"}',
    '{"t":"sub","channel":"task/task_01k7x5q2m0f3v8k2n6r4t9w1ya","after":"x"}',
    '{"t":"auth","key":"again"}',
    '{"__proto__":{"t":"ping"}}',
    "[".repeat(8_000),
  ]) {
    socket.send(message);
    // oxlint-disable-next-line no-await-in-loop -- One message after the other.
    const answer = (await socket.until(({ t }) => t === "err")).at(-1);
    expect([message.slice(0, 60), answer?.code]).toEqual([
      message.slice(0, 60),
      message.includes("auth") ? "conflict" : "invalid_request",
    ]);
  }
  socket.send('{"t":"ping"}');
  expect((await socket.until(({ t }) => t === "pong")).length).toBe(1);
  socket.raw.send(new Uint8Array([1, 2]));
  expect(await socket.closed).toMatchObject({ code: 1003 });
  const big = await user.socket("/ws/tasks");
  big.send("x".repeat(20_000));
  expect(await big.closed).toMatchObject({ code: 1009 });
  const hasty = await user.socket("/ws/tasks");
  for (let count = 0; count < 300; count += 1) hasty.send({ t: "unsub", channel: "tasks" });
  expect(await hasty.closed).toMatchObject({ code: 1008 });
});

test("[HOME12] a socket goes on exactly where it was when its object has slept, or was evicted", async () => {
  const user = await admin.userWithKey("sleeper");
  const id = await user.submit(
    "script",
    {
      acts: [
        { say: "one " },
        { gate: "sleep1" },
        { say: "two " },
        { gate: "sleep2" },
        { say: "three" },
      ],
    },
    { sessionId: "sleep" },
  );
  const channel = `task/${id}`;
  const socket = await user.socket("/ws/tasks");
  await socket.until(isUpToDate);
  socket.send({ t: "sub", channel });
  const seen = [
    ...(await socket.until(
      ({ channel: on, event }) => on === channel && event?.data["text"] === "one ",
    )),
  ];
  const stub = env.HOMES.getByName(userScope("sleeper"));
  for (const [gate, word] of [
    ["sleep1", "two "],
    ["sleep2", "three"],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- One after the other.
    await evictDurableObject(stub);
    openGate(gate);
    // A word from the client wakes it, or one from the task's object.
    if (gate === "sleep1") socket.send({ t: "unsub", channel: `task/task_${"0".repeat(26)}` });
    // oxlint-disable-next-line no-await-in-loop
    seen.push(
      ...(await socket.until(
        ({ channel: on, event }) => on === channel && event?.data["text"] === word,
      )),
    );
  }
  seen.push(...(await socket.rest(channel)));
  const own = seen.filter((frame) => frame.channel === channel);
  expect(withIds(asSeen(own))).toEqual(withIds(await feedOf(user, id)));
  // The channel of everything is still there, too.
  const next = await user.submit("repeat", "next");
  await socket.until((frame) => frame.channel === "tasks" && JSON.stringify(frame).includes(next));
});
