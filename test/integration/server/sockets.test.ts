import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { SocketState } from "../../../src/server/index.ts";
import { adminKey, keyFor, openDoor, requestOf, until, type Door } from "./door.ts";
import { readEvents, textOfEvents, type Seen } from "./event-reader.ts";
import { dial, listen, type Listening } from "./listen.ts";
import { asSeen, handPort, openInside, openSocket, type Frame } from "./socket-client.ts";

let door: Door;
let http: Listening;
beforeEach(async () => {
  door = await openDoor();
  http = await listen(door);
});
afterEach(async () => {
  await http.close();
  await door.close();
});

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
const said = 'Hello \ud83d\ude00"}\n\n{"t":"end"}bye';
const isUpToDate = ({ event }: Frame): boolean => event?.type === "up-to-date";
const withIds = (events: readonly Seen[]): Seen[] => events.filter(({ id }) => id !== null);
const feedOf = async (id: string): Promise<readonly Seen[]> =>
  await readEvents(await door.send("GET", `/api/tasks/${id}/stream`)).rest();

test("[WS1] without a subprotocol a socket tells the user's open tasks at once, then what happens", async () => {
  const ids = [
    await door.submit("script", { acts: [{ gate: "a" }, { say: "x" }, { output: 1 }] }),
    await door.submit("script", { acts: [{ gate: "b" }] }),
  ];
  const socket = await openSocket(http.url, "/ws/tasks");
  expect(socket.protocol).toBe("");
  const states = asSeen(await socket.until(isUpToDate)).filter(({ name }) => name === "state");
  expect(states.map(({ data }) => (data["task"] as { id: string }).id).toSorted()).toEqual(
    ids.toSorted(),
  );
  door.steer.open("a");
  const news = await socket.until(({ event }) => event?.type === "end");
  expect(
    news.every(({ t, channel, seq }) => t === "ev" && channel === "tasks" && seq === null),
  ).toBe(true);
  expect(asSeen(news).map(({ name }) => name)).toContain("token");
  await door.json("POST", "/api/chat/stream", { body: { message: "help", sessionId: "s1" } });
  await socket.until(({ event }) => event?.type === "session");
  socket.raw.close(1000, "enough");
  expect(await socket.closed).toEqual({ code: 1000, reason: "enough" });
  expect((await openSocket(http.url, "/ws/tasks", { protocol: "errand.v1" })).protocol).toBe(
    "errand.v1",
  );
});

test("[WS2] behind every cursor a channel is sent exactly the rest, and the same as an event stream", async () => {
  const id = await door.submit("script", { acts: [{ gate: "start" }, ...acts] });
  const channel = `task/${id}`;
  const live = await openSocket(http.url, `/ws/tasks?taskId=${id}`);
  await live.until(isUpToDate);
  door.steer.open("start");
  const recorded = asSeen(await live.rest(channel));
  expect(textOfEvents(recorded)).toBe(said);

  const whole = withIds(await feedOf(id));
  const again = await openSocket(http.url, `/ws/tasks?taskId=${id}`);
  expect(withIds(asSeen(await again.rest(channel)))).toEqual(whole);
  const many = await openSocket(http.url, "/ws/tasks");
  for (const [index, { id: after }] of whole.entries()) {
    const one = await openSocket(http.url, `/ws/tasks?taskId=${id}&after=${after}`);
    expect(withIds(asSeen(await one.rest(channel)))).toEqual(whole.slice(index + 1));
    one.drop();
    many.send({ t: "sub", channel, after });
    const rest = (await many.rest(channel)).filter((frame) => frame.channel === channel);
    expect(withIds(asSeen(rest))).toEqual(whole.slice(index + 1));
  }
});

test("[WS2] a socket that drops at any token and comes back behind it misses nothing and gets nothing twice", async () => {
  const words = Array.from({ length: 60 }, (_, index) => `w${index} `);
  const id = await door.submit("script", {
    acts: [...words.flatMap((say, index) => [{ gate: `g${index}` }, { say }]), { output: null }],
  });
  const channel = `task/${id}`;
  const seen: Seen[] = [];
  let after: string | null = null;
  let opened = 0;
  for (let at = 0; at < words.length;) {
    const socket = await openSocket(
      http.url,
      `/ws/tasks?taskId=${id}${after === null ? "" : `&after=${after}`}`,
    );
    // Leaves after one to five tokens, sometimes while the next is under way.
    const end = Math.min(words.length, at + 1 + ((opened * 7) % 5));
    for (; at < end; at += 1) {
      door.steer.open(`g${at}`);
      const word = words[at];
      if (opened % 3 === 2 && at === end - 1) continue;
      const got = asSeen(await socket.until(({ event }) => event?.data["text"] === word));
      seen.push(...withIds(got));
      after = withIds(seen).at(-1)?.id ?? after;
    }
    socket.drop();
    opened += 1;
  }
  const last = await openSocket(http.url, `/ws/tasks?taskId=${id}&after=${after}`);
  seen.push(...withIds(asSeen(await last.rest(channel))));
  expect(opened).toBeGreaterThan(15);
  expect(seen).toEqual(withIds(await feedOf(id)));
  expect(textOfEvents(seen)).toBe(words.join(""));
});

test("[WS2] where a task has ended and all was seen, its channel ends at once; a user's channel has no history", async () => {
  const id = await door.submit("script", { acts });
  await until(door, id, (task) => task["completedAt"] !== null);
  const last = withIds(await feedOf(id)).at(-1)?.id;
  const socket = await openSocket(http.url, `/ws/tasks?taskId=${id}&after=${last}`);
  expect(await socket.rest(`task/${id}`)).toEqual([{ t: "end", channel: `task/${id}` }]);
  socket.send({ t: "sub", channel: "tasks", after: last });
  expect((await socket.until(isUpToDate))[0]).toMatchObject({ t: "gap", channel: "tasks" });
});

test("[WS3] other pages' sockets and foreign names are refused as HTTP; without Upgrade the path says what it is", async () => {
  const refused = async (headers: Record<string, string>): Promise<string> =>
    await openSocket(http.url, "/ws/tasks", { headers }).then(
      () => "open",
      (error: unknown) => String(error),
    );
  expect(await refused({ origin: "https://evil.example" })).toContain("403");
  expect(await refused({ "sec-fetch-site": "cross-site" })).toContain("403");
  expect(await refused({ host: "evil.example" })).toContain("403");
  expect(await refused({ origin: http.url })).toBe("open");
  const plain = await door.json("GET", "/ws/tasks");
  expect([plain.status, plain.body["code"]]).toEqual([400, "invalid_request"]);
  const lone = await openInside(door, "/ws/tasks?after=1.0.0");
  expect(await lone.response.json()).toMatchObject({ errors: [{ field: "after" }] });
});

test("[WS3] another user's task is refused like one that never was, at the upgrade and in a message", async () => {
  const locked = await openDoor({ auth: true });
  const [one, two] = [await keyFor(locked, "u1"), await keyFor(locked, "u2")];
  const made = await locked.json("POST", "/api/tasks", {
    key: one,
    body: { type: "script", input: { acts: [{ event: "never" }] } },
  });
  const [his, none] = [String(made.body["id"]), "task_01k7x5q2m0f3v8k2n6r4t9w1ya"];
  const words = (text: string, id: string): string =>
    text.replaceAll(id, "ID").replace(/req_\w+/, "REQ");
  const answers: string[] = [];
  for (const id of [his, none]) {
    const { response } = await openInside(locked, `/ws/tasks?taskId=${id}`, { key: two });
    answers.push(`${response.status} ${words(await response.text(), id)}`);
  }
  expect(answers[0]).toMatch(/^404 /);
  expect(answers[1]).toBe(answers[0]);

  const { socket } = await openInside(locked, "/ws/tasks", { key: two });
  const refusals: unknown[] = [];
  for (const id of [his, none]) {
    socket?.events.received(JSON.stringify({ t: "sub", channel: `task/${id}` }));
    const frames = await socket?.until(({ t }) => t === "err");
    refusals.push(JSON.parse(words(JSON.stringify(frames?.at(-1)), id)));
  }
  expect(refusals[0]).toMatchObject({ t: "err", channel: "task/ID", code: "not_found" });
  expect(refusals[1]).toEqual(refusals[0]);
  // The admin may look, and u1's own channel says nothing to u2.
  const admins = await openInside(locked, `/ws/tasks?taskId=${his}`, { key: adminKey });
  await admins.socket?.until(isUpToDate);
  await locked.json("POST", `/api/tasks/${his}/cancel`, { key: one, body: {} });
  await admins.socket?.rest(`task/${his}`);
  expect(socket?.sent.filter((text) => text.includes(his))).toHaveLength(1);
  await locked.close();
});

test("[WS3] a key comes in a header or in the first message; a wrong one closes with 4401", async () => {
  const locked = await openDoor({ auth: true });
  const key = await keyFor(locked, "u1");
  expect((await openInside(locked, "/ws/tasks", { key: "errand_wrong" })).response.status).toBe(
    401,
  );
  const mine = await locked.json("POST", "/api/tasks", { key, body: { type: "echo" } });
  const path = `/ws/tasks?taskId=${String(mine.body["id"])}`;
  const shown = await openInside(locked, path);
  expect(shown.socket?.sent).toEqual([]);
  shown.socket?.events.received(JSON.stringify({ t: "auth", key }));
  await shown.socket?.rest(`task/${String(mine.body["id"])}`);
  for (const message of [
    JSON.stringify({ t: "auth", key: "errand_wrong" }),
    JSON.stringify({ t: "sub", channel: "tasks" }),
    "{",
  ]) {
    const { socket } = await openInside(locked, "/ws/tasks");
    socket?.events.received(message);
    await socket?.until(({ t }) => t === "err");
    await vi.waitFor(() => expect(socket?.closes).toMatchObject([{ code: 4401 }]));
  }
  await locked.close();
});

test("[WS4] bad messages are answered or close the socket, and never more than that", async () => {
  const socket = await openSocket(http.url, "/ws/tasks");
  const bad = [
    "",
    "{",
    "null",
    "[]",
    "7",
    '"sub"',
    "{}",
    '{"t":"nothing"}',
    '{"t":"sub"}',
    '{"t":"sub","channel":"tasks","more":1}',
    '{"t":"sub","channel":"task/../../etc"}',
    '{"t":"sub","channel":"task/task_01k7x5q2m0f3v8k2n6r4t9w1ya","after":"x"}',
    '{"t":"sub","channel":7,"after":{}}',
    '{"t":"auth","key":"again"}',
    '{"__proto__":{"t":"ping"}}',
    "[".repeat(8_000),
    "\u0000\ud83d",
  ];
  for (const message of bad) {
    socket.send(message);
    const answer = (await socket.until(({ t }) => t === "err")).at(-1);
    expect([message.slice(0, 60), answer?.code]).toEqual([
      message.slice(0, 60),
      message.includes("auth") ? "conflict" : "invalid_request",
    ]);
  }
  socket.send({ t: "unsub", channel: "task/task_01k7x5q2m0f3v8k2n6r4t9w1ya" });
  socket.send({ t: "ping" });
  expect((await socket.until(({ t }) => t === "pong")).length).toBe(1);
  socket.raw.send(Buffer.from([1, 2]));
  expect(await socket.closed).toMatchObject({ code: 1003 });
  const big = await openSocket(http.url, "/ws/tasks");
  big.send("x".repeat(20_000));
  expect(await big.closed).toMatchObject({ code: 1009 });
  const broken = dial(
    http.port,
    `GET /ws/tasks HTTP/1.1\r\nHost: 127.0.0.1:${http.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  expect(await broken.read((text) => text.includes("up-to-date"))).toContain("101 Switching");
  // A frame with reserved bits: nothing that the protocol allows. It is closed with 1002.
  broken.socket.write(new Uint8Array([0xff, 0xff, 0xff, 0xff]));
  expect(await broken.read((text) => text.includes("\x03\xea"))).toContain("\x88");
  broken.socket.destroy();
  const hasty = await openSocket(http.url, "/ws/tasks");
  for (let count = 0; count < 300; count += 1) hasty.send({ t: "ping" });
  expect(await hasty.closed).toMatchObject({ code: 1008 });
});

test("[WS4] sockets of a user and channels of a socket are limited", async () => {
  const small = await openDoor({ settings: { limits: { socketsPerUser: 2, socketsTotal: 5 } } });
  const first = await openInside(small, "/ws/tasks");
  await openInside(small, "/ws/tasks");
  const third = await openInside(small, "/ws/tasks");
  expect([third.response.status, third.response.headers.get("retry-after")]).toEqual([429, "5"]);
  first.socket?.events.closed();
  const { socket } = await openInside(small, "/ws/tasks");
  const ids = [];
  for (let count = 0; count < 50; count += 1)
    ids.push(await small.submit("script", { acts: [{ event: "never" }] }));
  for (const id of ids)
    socket?.events.received(JSON.stringify({ t: "sub", channel: `task/${id}` }));
  const refused = await socket?.until(({ t }) => t === "err");
  expect(refused?.at(-1)).toMatchObject({ channel: `task/${ids.at(-1)}`, code: "rate_limited" });
  const metrics = await (await small.send("GET", "/metrics")).text();
  expect(metrics).toContain("errand_websockets 2");
  await small.close();
});

test("[WS5] a reader who takes too little is closed with 1013 and its reason; the others and the task do not notice", async () => {
  const small = await openDoor({ settings: { limits: { streamQueueBytes: 20_000 } } });
  const id = await small.submit("script", {
    acts: [
      { gate: "g" },
      ...Array.from({ length: 200 }, () => ({ say: "y".repeat(500) })),
      { output: 1 },
    ],
  });
  const path = `/ws/tasks?taskId=${id}`;
  const { socket: slow } = await openInside(small, path);
  const { socket: good } = await openInside(small, path);
  await good?.until(isUpToDate);
  await slow?.until(isUpToDate);
  if (slow !== null) slow.waitingBytes = 20_001;
  small.steer.open("g");
  const seen = asSeen((await good?.rest(`task/${id}`)) ?? []);
  expect(textOfEvents(seen)).toHaveLength(100_000);
  expect(slow?.closes).toEqual([{ code: 1013, reason: "too slow: come back with your cursors" }]);
  const known = withIds(asSeen((slow?.sent ?? []).map((text) => JSON.parse(text) as Frame)));
  const back = await openInside(small, `${path}&after=${known.at(-1)?.id}`);
  const rest = withIds(asSeen((await back.socket?.rest(`task/${id}`)) ?? []));
  expect(textOfEvents([...known, ...rest])).toBe("y".repeat(100_000));
  await small.close();
});

test("[WS5] stored events are read back no faster than they leave", async () => {
  const id = await door.submit("script", {
    acts: [{ say: "slowly ".repeat(1_000), times: 100 }, { output: 1 }],
  });
  await until(door, id, (task) => task["completedAt"] !== null);
  const { socket } = await openInside(door, "/ws/tasks");
  await socket?.until(isUpToDate);
  if (socket !== null) socket.waitingBytes = 200_000;
  socket?.events.received(JSON.stringify({ t: "sub", channel: `task/${id}` }));
  await socket?.until(({ channel }) => channel === `task/${id}`);
  await until(door, await door.submit("echo"), (task) => task["completedAt"] !== null);
  expect(socket?.sent.filter((text) => text.includes('"type":"token"')).length).toBe(0);
  if (socket !== null) socket.waitingBytes = 0;
  socket?.events.room();
  await socket?.rest(`task/${id}`);
  const frames = (socket?.sent ?? []).map((text) => JSON.parse(text) as Frame);
  const own = frames.filter(({ channel }) => channel === `task/${id}`);
  expect(textOfEvents(asSeen(own))).toBe("slowly ".repeat(100_000));
});

test("[WS6] a server that stops closes with 1001, and a socket's end gives back its feeds", async () => {
  const id = await door.submit("script", { acts: [{ event: "never" }] });
  const socket = await openSocket(http.url, `/ws/tasks?taskId=${id}`);
  await socket.until(isUpToDate);
  expect(door.engine.feeds.size).toBe(1);
  const other = await openSocket(http.url, "/ws/tasks");
  other.send({ t: "sub", channel: `task/${id}` });
  await other.until(({ channel, event }) => channel !== "tasks" && event?.type === "up-to-date");
  other.send({ t: "unsub", channel: `task/${id}` });
  other.drop();
  door.server.close();
  expect(await socket.closed).toEqual({ code: 1001, reason: "the server stops" });
  await vi.waitFor(() => expect(door.engine.feeds.size).toBe(0));
});

test("[WS7] a socket whose host has forgotten all but its state goes on exactly where it was", async () => {
  const id = await door.submit("script", {
    acts: [{ say: "one " }, { gate: "g" }, { say: "two" }, { output: null }],
  });
  await until(door, id, (task) => task["partial"] === "one ");
  const port = handPort();
  const first = door.server.resumeSocket(port, {
    who: { userId: "local", isAdmin: true, keyHash: null },
    channels: [
      { name: "tasks", after: null },
      { name: `task/${id}`, after: "0.0.0" },
    ],
  });
  const before = await port.until(
    ({ channel, event }) => channel !== "tasks" && event.type === "up-to-date",
  );
  expect(before.some(({ channel }) => channel === "tasks")).toBe(false);
  const kept = JSON.parse(JSON.stringify(first.state)) as SocketState;
  first.closed();

  const again = handPort();
  door.server.resumeSocket(again, kept);
  await again.until(({ event }) => event?.type === "up-to-date");
  door.steer.open("g");
  const frames = await again.rest(`task/${id}`);
  const own = frames.filter(({ channel }) => channel === `task/${id}`);
  expect(withIds(asSeen([...before, ...own]))).toEqual(withIds(await feedOf(id)));
  expect(again.sent.some((text) => text.includes('"channel":"tasks"'))).toBe(true);
});

test("[WS6] a socket that shows no key in time, or has lost it, is closed with 4401", async () => {
  const locked = await openDoor({ auth: true });
  const key = await keyFor(locked, "u1");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const [silent, known] = [handPort({ ping: () => {} }), handPort({ ping: () => {} })];
  for (const [port, ask] of [
    [silent, {}],
    [known, { key }],
  ] as const)
    await locked.server.fetch(
      requestOf("GET", "/ws/tasks", { ...ask, headers: { upgrade: "websocket" } }),
      {
        socket(begin) {
          begin(port);
          return new Response(null);
        },
      },
    );
  await locked.send("DELETE", "/api/admin/keys/u1", { key: adminKey });
  await vi.advanceTimersByTimeAsync(12_000);
  vi.useRealTimers();
  await vi.waitFor(() => expect(silent.closes).toMatchObject([{ code: 4401 }]));
  await vi.waitFor(() => expect(known.closes).toMatchObject([{ code: 4401 }]));
  await locked.close();
});
