import { expect, test } from "vitest";

import { destinationOf, needsBody, routeBody } from "./route.ts";

const taskId = `task_${"0".repeat(26)}`;

test("[HOME2] what is of a session goes to its object, what is of a task to its home, the rest to the user", () => {
  expect(destinationOf("/api/sessions/main", "ann")).toEqual({ home: "session/ann/main" });
  expect(destinationOf("/api/chat/main/stop", "ann")).toEqual({ home: "session/ann/main" });
  for (const path of [`/api/tasks/${taskId}`, `/api/tasks/${taskId}/stream`, `/${taskId}`])
    expect(destinationOf(path, "ann")).toEqual({ taskId });
  for (const path of [
    "/",
    "/api/tasks",
    "/api/sessions",
    "/api/events",
    "/api/queues",
    "/v1/models",
  ])
    expect(destinationOf(path, "ann")).toEqual({ home: "user/ann" });
  expect(destinationOf("/api/tasks/user/bob", "local")).toEqual({ home: "user/bob" });
});

test("[HOME2] no path leads to another user's session", () => {
  for (const path of ["/api/sessions/..%2Fbob%2Fmain", "/api/sessions/bob/main", "/api/chat/a%2Fb"])
    expect(destinationOf(path, "ann")).not.toEqual({ home: "session/bob/main" });
  expect(destinationOf("/api/sessions/..%2Fbob%2Fmain", "ann")).toEqual({ home: "user/ann" });
});

test("[HOME2] a body is read only where it says where it belongs", async () => {
  expect(needsBody("POST", "/api/chat")).toBe(true);
  expect(needsBody("POST", "/api/tasks")).toBe(true);
  expect(needsBody("POST", "/api/sessions/import")).toBe(true);
  expect(needsBody("GET", "/api/tasks")).toBe(false);
  expect(needsBody("POST", `/api/tasks/${taskId}/cancel`)).toBe(false);
  const given = (body: unknown) => ({ text: JSON.stringify(body), idempotencyKey: null });
  const inSession = await routeBody("/api/tasks", "ann", given({ type: "x", sessionId: "s" }));
  expect(inSession.home).toBe("session/ann/s");
  const moved = await routeBody("/api/sessions/import", "ann", given({ sessionId: "old" }));
  expect(moved.home).toBe("session/ann/old");
  const nameless = await routeBody("/api/sessions/import", "ann", given({ part: 0 }));
  expect(nameless.home).toBe("user/ann");
  const alone = given({ type: "x" });
  expect(await routeBody("/api/tasks", "ann", alone)).toEqual({
    home: "user/ann",
    text: alone.text,
  });
  const page = await routeBody("/api/chat", "ann", given({ id: "c", messages: [] }));
  expect(page.home).toBe("session/ann/c");
});

test("[HOME2] a first message begins a session, the same one for the same key; what cannot be read is refused by the user's object", async () => {
  const body = JSON.stringify({ message: "hi" });
  const once = { text: body, idempotencyKey: "k" };
  const first = await routeBody("/api/chat", "ann", once);
  expect(first.home).toMatch(/^session\/ann\/chat_[0-9a-f]{32}$/);
  expect(JSON.parse(first.text)).toEqual({ message: "hi", sessionId: first.home.slice(12) });
  expect(await routeBody("/api/chat", "ann", once)).toEqual(first);
  expect((await routeBody("/api/chat", "bob", once)).home).not.toContain(first.home.slice(12));
  const fresh = { text: body, idempotencyKey: null };
  expect((await routeBody("/api/chat", "ann", fresh)).home).not.toBe(first.home);
  for (const text of ["{", "[]", JSON.stringify({ message: "hi", sessionId: 7 })]) {
    // oxlint-disable-next-line no-await-in-loop -- Few.
    expect(await routeBody("/api/chat", "ann", { text, idempotencyKey: null })).toEqual({
      home: "user/ann",
      text,
    });
  }
});
