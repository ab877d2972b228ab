/** The small fetch over node:http, apart from what the model client's tests show of it. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";

import { expect, test } from "vitest";

import { nodeFetch } from "../../../src/adapters/node/http-fetch.ts";

async function listen(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const signal = new AbortController().signal;

test("[MODEL21] a body arrives with its length, headers are found in any spelling", async () => {
  await using server = await listen(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.setHeader("X-Length", request.headers["content-length"] ?? "none");
    response.setHeader("set-cookie", ["a", "b"]);
    response.end(Buffer.concat(chunks));
  });
  const init = { method: "POST", headers: {}, body: "grüße", signal };
  const response = await nodeFetch()(server.url, init);
  expect(response.status).toBe(200);
  expect(
    ["x-length", "X-LENGTH", "set-cookie", "etag"].map((name) => response.headers.get(name)),
  ).toEqual(["7", "7", "a, b", null]);
  const reader = response.body.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("grüße");
  expect(await reader.read()).toEqual({ done: true });
  expect(await reader.read()).toEqual({ done: true });
});

test("[MODEL21] a body that nobody reads is not piled up, and arrives whole when somebody does", async () => {
  const totalBytes = 32 * 1_048_576;
  await using server = await listen((_, response) => {
    response.end(Buffer.alloc(totalBytes, "x"));
  });
  const response = await nodeFetch()(server.url, { method: "GET", headers: {}, signal });
  const reader = response.body.getReader();
  // Turns enough for all of it to arrive, if nothing held it back: server and client share this event loop.
  for (let turn = 0; turn < 3_000; turn++) await new Promise((resolve) => setImmediate(resolve));
  const sizes: number[] = [];
  for (let next = await reader.read(); !next.done; next = await reader.read())
    sizes.push(next.value?.length ?? 0);
  // What had piled up comes as one read: the limit and the chunk that went over it.
  expect(sizes[0]).toBeGreaterThan(1_048_576);
  expect(sizes[0]).toBeLessThanOrEqual(1_048_576 + 65_536);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(totalBytes);
});

test("[MODEL21] a connection that breaks off gives what it had, then its error", async () => {
  await using server = await listen((_, response) => {
    response.write("half", () => response.destroy());
  });
  const response = await nodeFetch()(server.url, { method: "GET", headers: {}, signal });
  const reader = response.body.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("half");
  await expect(reader.read()).rejects.toMatchObject({ code: "ECONNRESET" });
  await expect(reader.read()).rejects.toMatchObject({ code: "ECONNRESET" });
});
