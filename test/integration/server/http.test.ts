import { afterEach, beforeEach, expect, test } from "vitest";

import { openDoor, until, type Door } from "./door.ts";
import { readEvents, textOfEvents } from "./event-reader.ts";
import { dial, listen, type Listening } from "./listen.ts";

let door: Door;
let http: Listening;
beforeEach(async () => {
  door = await openDoor({ settings: { limits: { streamQueueBytes: 100_000 } } });
  http = await listen(door);
});
afterEach(async () => {
  await http.close();
  await door.close();
});

const host = "Host: 127.0.0.1\r\n";

test("[SSE6] the first bytes of a stream arrive before anything happens", async () => {
  const id = await door.submit("script", { acts: [{ gate: "g" }] });
  const wire = dial(http.port, `GET /api/events HTTP/1.1\r\n${host}\r\n`);
  const text = await wire.read((so) => so.includes("up-to-date"));
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text.toLowerCase()).toContain("content-type: text/event-stream");
  expect(text).toContain(id);
  wire.socket.destroy();
});

test("[SSE7] a client that closes its socket frees its stream and leaves the task alone", async () => {
  const id = await door.submit("script", { acts: [{ say: "a" }, { gate: "g" }, { output: 1 }] });
  const left = Promise.withResolvers<void>();
  const wire = dial(http.port, `GET /api/tasks/${id}/stream HTTP/1.1\r\n${host}\r\n`);
  await wire.read((text) => text.includes("llm.token"));
  expect(door.engine.feeds.size).toBe(1);
  const stop = door.engine.kernel.listen({
    committed: () => void (door.engine.feeds.size === 0 && left.resolve()),
  });
  wire.socket.on("close", () => void door.submit("echo").then(() => door.submit("echo")));
  wire.socket.destroy();
  await left.promise;
  stop();
  door.steer.open("g");
  expect(await until(door, id, (task) => task["completedAt"] !== null)).toMatchObject({
    status: "completed",
  });
});

test("[SSE5] a stalled reader of a long answer loses its connection, a reading one gets all of it", async () => {
  const id = await door.submit("script", {
    acts: [{ gate: "g" }, { say: "z".repeat(60_000), times: 200 }, { output: 1 }],
  });
  const stalled = dial(http.port, `GET /api/tasks/${id}/stream HTTP/1.1\r\n${host}\r\n`);
  await stalled.read((text) => text.includes("up-to-date"));
  stalled.socket.pause();
  const good = readEvents(await fetch(`${http.url}/api/tasks/${id}/stream`));
  await good.until(({ name }) => name === "up-to-date");
  door.steer.open("g");
  expect(textOfEvents(await good.rest())).toHaveLength(12_000_000);
  stalled.socket.resume();
  const text = await stalled.read();
  expect(text).not.toContain("event: end");
  // Broken off, not ended: the last chunk of a body that ends well is empty.
  expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
  expect(text).not.toContain("too slow");
});

test("[SSE1] a stream that breaks off is a network error for fetch, and the cursor goes on from there", async () => {
  const id = await door.submit("script", {
    acts: [{ say: "one " }, { gate: "g" }, { say: "two" }, { output: 1 }],
  });
  const first = readEvents(await fetch(`${http.url}/api/tasks/${id}/stream`));
  const seen = await first.until(({ name }) => name === "token");
  door.server.close();
  await expect(first.rest()).rejects.toThrow(TypeError);
  const second = readEvents(
    await fetch(`${http.url}/api/tasks/${id}/stream`, {
      headers: { "last-event-id": seen.at(-1)?.id ?? "" },
    }),
  );
  await second.until(({ name }) => name === "up-to-date");
  door.steer.open("g");
  expect(textOfEvents([...seen, ...(await second.rest())])).toBe("one two");
});

test("[SEC6] a flood without a length is refused before it is over, and the server goes on", async () => {
  const head = `POST /api/tasks HTTP/1.1\r\n${host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const chunk = `${(65_536).toString(16)}\r\n${" ".repeat(65_536)}\r\n`;
  const wire = dial(http.port, head);
  const answer = wire.read((text) => text.includes("too_large"));
  const pump = (): void => {
    if (wire.socket.destroyed) return;
    if (wire.socket.write(chunk)) setImmediate(pump);
    else wire.socket.once("drain", pump);
  };
  pump();
  expect(await answer).toMatch(/^HTTP\/1\.1 413 /);
  wire.socket.destroy();
  expect((await fetch(`${http.url}/healthz`)).status).toBe(200);
});

test.each([
  ["a declared 2 GB", "Content-Length: 2000000000\r\n\r\n{", /^HTTP\/1\.1 413 /],
  [
    "both lengths",
    "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    /^HTTP\/1\.1 400 /,
  ],
  ["two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", /^HTTP\/1\.1 400 /],
  ["a negative length", "Content-Length: -1\r\n\r\n{}", /^HTTP\/1\.1 400 /],
  [
    "a bad chunk size",
    "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    /^HTTP\/1\.1 400 |"code":"invalid_request"/,
  ],
  ["a folded header", "X-A: 1\r\n folded\r\nContent-Length: 2\r\n\r\n{}", /^HTTP\/1\.1 400 /],
  [
    "a 200 KB header",
    `X-A: ${"a".repeat(200_000)}\r\nContent-Length: 2\r\n\r\n{}`,
    /^HTTP\/1\.1 431 /,
  ],
  [
    "20,000 headers",
    `${Array.from({ length: 20_000 }, (_, index) => `X-${index}: 1\r\n`).join("")}\r\n`,
    /^HTTP\/1\.1 (?:431|400|415) /,
  ],
])("[SEC6] %s in a request is a 4xx", async (_, rest, expected) => {
  const wire = dial(
    http.port,
    `POST /api/tasks HTTP/1.1\r\n${host}Content-Type: application/json\r\nConnection: close\r\n${rest}`,
  );
  expect(await wire.read((text) => text.includes("\r\n\r\n"))).toMatch(expected);
  wire.socket.destroy();
  expect((await fetch(`${http.url}/healthz`)).status).toBe(200);
});

test.each([
  ["no host", "GET /api/tasks HTTP/1.1\r\nConnection: close\r\n\r\n", /^HTTP\/1\.1 400 /],
  [
    "a broken host",
    "GET /api/tasks HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
    /^HTTP\/1\.1 400 [^]*"code":"invalid_request"/,
  ],
  [
    "another host",
    "GET /api/tasks HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n",
    /^HTTP\/1\.1 403 [^]*"code":"forbidden"/,
  ],
  [
    "an absolute target elsewhere",
    `GET http://evil.test/api/tasks HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    /^HTTP\/1\.1 403 /,
  ],
  [
    "an asterisk target",
    `OPTIONS * HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    /^HTTP\/1\.1 400 /,
  ],
  ["a 200 KB target", `GET /${"a".repeat(200_000)} HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1\.1 431 /],
  ["HTTP/0.9", "GET /\r\n\r\n", /^HTTP\/1\.1 400 /],
  ["TLS", new Uint8Array([0x16, 3, 1, 0, 0xa5, 1, 0, 0, 0xa1, 3, 3]), /^HTTP\/1\.1 400 /],
  [
    "a backslash",
    `GET /api\\..\\tasks HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    /^HTTP\/1\.1 400 [^]*"code":"invalid_request"/,
  ],
  ["TRACE", `TRACE /api/tasks HTTP/1.1\r\n${host}Connection: close\r\n\r\n`, /^HTTP\/1\.1 405 /],
])("[SEC25] %s is a 4xx and nothing worse", async (_, bytes, expected) => {
  const wire = dial(http.port, bytes);
  wire.socket.end();
  expect(await wire.read()).toMatch(expected);
  expect((await fetch(`${http.url}/healthz`)).status).toBe(200);
});

test("[HTTP18] a wish for another protocol is not heard: the request is answered as what it is", async () => {
  const body = JSON.stringify({ type: "echo", input: 1 });
  const offer =
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
  const posted = dial(
    http.port,
    `POST /api/tasks HTTP/1.1\r\n${host}${offer}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  expect(await posted.read((text) => text.includes("\r\n\r\n"))).toMatch(/^HTTP\/1\.1 201 /);
  posted.socket.destroy();
  for (const wish of ["websocket", "h2c"]) {
    const events = dial(
      http.port,
      `GET /api/events HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: ${wish}\r\n\r\n`,
    );
    const text = await events.read((so) => so.includes("up-to-date"));
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    events.socket.destroy();
  }
});

test("[SEC6] three hundred pipelined requests are answered in order", async () => {
  const requests = Array.from(
    { length: 300 },
    (_, index) => `GET /api/tasks/x${index} HTTP/1.1\r\n${host}\r\n`,
  ).join("");
  const wire = dial(http.port, requests);
  const text = await wire.read((so) => so.includes("x299"));
  const numbers = [...text.matchAll(/there is no task \\"x(\d+)/g)].map((match) =>
    Number(match[1]),
  );
  expect(numbers).toEqual(Array.from({ length: 300 }, (_, index) => index));
  wire.socket.destroy();
});

test("[CHATDOOR1] a message over a real connection is answered as a stream that ends well", async () => {
  const body = JSON.stringify({
    id: "c1",
    messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "help" }] }],
  });
  const response = await fetch(`${http.url}/api/chat`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  expect((await readEvents(response).rest()).at(-1)?.data).toEqual({ done: true });
});
