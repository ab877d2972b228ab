import { afterEach, beforeEach, expect, test } from "vitest";

import { openDoor, type Door } from "./door.ts";

let door: Door;
beforeEach(async () => {
  door = await openDoor({
    settings: {
      page: (path) =>
        Promise.resolve(
          path === "/" || path === "/assets/a.js"
            ? new Response("<p>", {
                headers: {
                  "content-type": "text/html",
                  ...(path === "/"
                    ? {}
                    : { "cache-control": "public, max-age=31536000, immutable" }),
                },
              })
            : null,
        ),
    },
  });
});
afterEach(async () => {
  await door.close();
});

const everywhere = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-frame-options": "DENY",
};
const api = {
  ...everywhere,
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
};
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

async function headersOf(
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, string>> {
  const response = await door.send(method, path, body === undefined ? {} : { body });
  await response.body?.cancel();
  const { "x-request-id": id, ...rest } = Object.fromEntries(response.headers);
  expect(id).toMatch(/^req_/);
  return rest;
}

test("[SEC23] the headers of every kind of answer are these and no others", async () => {
  const id = await door.submit("script", { acts: [{ gate: "g" }] });
  const json = { ...api, "content-type": "application/json" };
  const problem = { ...api, "content-type": "application/problem+json" };
  const stream = {
    ...api,
    "content-type": "text/event-stream; charset=utf-8",
    "x-accel-buffering": "no",
  };
  const rate = { "ratelimit-policy": '"submits";q=10000;w=5', ratelimit: expect.any(String) };
  expect(await headersOf("GET", `/api/tasks/${id}`)).toEqual(json);
  expect(await headersOf("POST", "/api/tasks", { type: "echo" })).toEqual({
    ...json,
    ...rate,
    location: expect.any(String),
  });
  expect(await headersOf("GET", "/healthz")).toEqual(json);
  expect(await headersOf("GET", "/metrics")).toEqual({
    ...api,
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
  });
  expect(await headersOf("GET", "/openapi.json")).toEqual({ ...json, "cache-control": "no-cache" });
  expect(await headersOf("GET", "/nothing")).toEqual(problem);
  expect(await headersOf("PUT", "/api/tasks", {})).toEqual({
    ...problem,
    allow: "POST, GET, HEAD",
  });
  expect(await headersOf("GET", "/v1/models")).toEqual(json);
  expect(await headersOf("GET", "/v1/nothing")).toEqual({ ...json, "x-should-retry": "false" });
  expect(await headersOf("GET", `/api/tasks/${id}/stream`)).toEqual(stream);
  expect(await headersOf("GET", "/api/events")).toEqual(stream);
  const chat = {
    id: "c",
    messages: [{ id: "m", role: "user", parts: [{ type: "text", text: "help" }] }],
  };
  expect(await headersOf("POST", "/api/chat", chat)).toEqual({
    ...stream,
    ...rate,
    "x-vercel-ai-ui-message-stream": "v1",
  });
  expect(await headersOf("GET", "/api/sessions/c")).toEqual({
    ...json,
    "cache-control": "private, no-cache",
    etag: expect.any(String),
    vary: "authorization, x-api-key",
  });
  const page = {
    ...everywhere,
    "content-security-policy": pagePolicy,
    "content-type": "text/html",
    "permissions-policy": expect.stringContaining("camera=()"),
  };
  expect(await headersOf("GET", "/")).toEqual({ ...page, "cache-control": "no-cache" });
  expect(await headersOf("GET", "/assets/a.js")).toEqual({
    ...page,
    "cache-control": "public, max-age=31536000, immutable",
  });
});

test("[SEC23] over TLS browsers are told to stay there", async () => {
  const response = await door.server.fetch(new Request("https://localhost/healthz"));
  expect(response.headers.get("strict-transport-security")).toBe("max-age=31536000");
});

test("[HTTP2] a known path answers other methods with 405 and those it takes", async () => {
  const id = await door.submit("echo");
  const cases: readonly (readonly [string, string, string])[] = [
    ["DELETE", `/api/tasks/${id}`, "GET, HEAD"],
    ["PATCH", "/api/tasks", "POST, GET, HEAD"],
    ["GET", `/api/tasks/${id}/cancel`, "POST"],
    ["POST", "/api/sessions/s", "GET, DELETE, HEAD"],
    ["POST", "/healthz", "GET, HEAD"],
    ["OPTIONS", "/api/chat", "POST"],
    ["PROPFIND", "/api/chat/c/stop", "POST"],
    ["POST", `/${id}`, "GET, HEAD"],
    ["PUT", "/", "POST, GET, HEAD"],
  ];
  for (const [method, path, allow] of cases) {
    const { status, body, headers } = await door.json(method, path);
    expect([method, path, status, body["code"], headers.get("allow")]).toEqual([
      method,
      path,
      405,
      "method_not_allowed",
      allow,
    ]);
  }
  expect(
    (await door.json("POST", "/api/nothing", { headers: { "x-http-method-override": "GET" } }))
      .status,
  ).toBe(404);
});

test("[HTTP10] HEAD is GET without its body", async () => {
  const id = await door.submit("echo");
  for (const path of [
    `/api/tasks/${id}`,
    "/healthz",
    "/openapi.json",
    "/api/tasks",
    "/nothing",
    "/",
  ]) {
    const [head, get] = [await door.send("HEAD", path), await door.send("GET", path)];
    expect([path, head.status, head.headers.get("content-type"), await head.text()]).toEqual([
      path,
      get.status,
      get.headers.get("content-type"),
      "",
    ]);
  }
});

test("[HTTP8] what is not there under /v1 says so in the shape OpenAI's clients read", async () => {
  for (const [method, path] of [
    ["GET", "/v1"],
    ["POST", "/v1/assistants"],
    ["GET", "/v1/a%2Fb"],
  ] as const) {
    const { status, body } = await door.json(method, path, method === "POST" ? { body: {} } : {});
    expect([status, body]).toEqual([
      404,
      {
        error: {
          message: expect.stringContaining("there is nothing at /v1"),
          type: "invalid_request_error",
          param: null,
          code: "not_found",
        },
      },
    ]);
  }
});

test("[HTTP11] a server that stops is alive but not ready, and breaks its streams off", async () => {
  const stream = await door.send("GET", "/api/events");
  expect((await door.json("GET", "/readyz")).body).toEqual({ status: "ok" });
  door.server.drain();
  const { status, body, headers } = await door.json("GET", "/readyz");
  expect([status, body["code"], headers.get("retry-after")]).toEqual([503, "unavailable", "1"]);
  expect((await door.json("GET", "/healthz")).status).toBe(200);
  door.server.close();
  await expect(stream.text()).rejects.toThrow("stops");
});

test("[HTTP11] the page is served where no operation is, and never in its place", async () => {
  expect(await (await door.send("GET", "/")).text()).toBe("<p>");
  expect((await door.json("POST", "/", { body: { prompt: "x" } })).status).toBe(201);
  expect((await door.json("GET", "/assets/../api/tasks")).body).toHaveProperty("tasks");
  expect((await door.json("GET", "/favicon.ico")).body["code"]).toBe("not_found");
});
