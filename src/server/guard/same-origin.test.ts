import { expect, test } from "vitest";

import { ErrandError } from "../../core/errors.ts";
import { refuseForeign, type OriginPolicy } from "./same-origin.ts";

const loopback: OriginPolicy = { hosts: ["errand.test"], origins: ["http://localhost:5173"] };
const anywhere: OriginPolicy = { hosts: null, origins: [] };

function verdict(
  method: string,
  headers: Record<string, string>,
  policy = loopback,
  address = "http://127.0.0.1:8787/api/tasks",
): string {
  try {
    refuseForeign(new Request(address, { method, headers }), new URL(address), policy);
    return "ok";
  } catch (error) {
    return error instanceof ErrandError ? error.code : String(error);
  }
}

test.each([
  "localhost",
  "LOCALHOST:8787",
  "127.0.0.1:1",
  "[::1]:8787",
  "[::1]",
  "errand.test",
  "errand.test.:80",
])("[SEC13] the name %s is its own", (host) => {
  expect(verdict("GET", { host })).toBe("ok");
});

test.each([
  "evil.test",
  "evil.test:8787",
  "127.0.0.1.evil.test",
  "localhost.evil.test",
  "[::2]:1",
  "",
  "errand.test@evil.test",
  "0.0.0.0",
])("[SEC13] the name %j is refused", (host) => {
  expect(verdict("GET", { host })).toBe("forbidden");
});

test("[SEC13] an absolute request target cannot stand in for the name", () => {
  expect(verdict("GET", { host: "localhost" }, loopback, "http://evil.test/api/tasks")).toBe(
    "forbidden",
  );
});

test("[SEC13] a server with keys may have any name", () => {
  expect(
    verdict("GET", { host: "errand.example:443" }, anywhere, "https://errand.example/api"),
  ).toBe("ok");
});

test.each([
  ["POST", { origin: "http://evil.test" }],
  ["DELETE", { origin: "http://evil.test" }],
  ["POST", { origin: "null" }],
  ["POST", { origin: "http://127.0.0.1:9999" }],
  ["POST", { origin: "http://127.0.0.1:8787.evil.test" }],
  ["POST", { "sec-fetch-site": "cross-site" }],
  ["POST", { "sec-fetch-site": "same-site" }],
  ["GET", { origin: "http://evil.test", accept: "text/event-stream" }],
])("[SEC13] %s with %o is refused", (method, headers) => {
  expect(verdict(method, { host: "127.0.0.1:8787", ...headers })).toBe("forbidden");
});

test.each([
  ["POST", {}],
  ["POST", { origin: "http://127.0.0.1:8787", "sec-fetch-site": "same-origin" }],
  // A proxy in front speaks TLS.
  ["POST", { origin: "https://127.0.0.1:8787" }],
  ["POST", { origin: "http://localhost:5173" }],
  ["POST", { "sec-fetch-site": "none" }],
  ["GET", { origin: "http://evil.test" }],
])("[SEC13] %s with %o is let in", (method, headers) => {
  expect(verdict(method, { host: "127.0.0.1:8787", ...headers })).toBe("ok");
});
