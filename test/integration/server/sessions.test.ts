import { afterEach, beforeEach, expect, test } from "vitest";

import { openDoor, type Door } from "./door.ts";

let door: Door;
beforeEach(async () => {
  door = await openDoor();
});
afterEach(async () => {
  await door.close();
});

test("[HTTP6] a session is 304 as long as nothing of it changed, and gone once it was deleted", async () => {
  const { body: sent } = await door.json("POST", "/api/chat/stream", {
    body: { message: "help", sessionId: "s1" },
  });
  await door.engine.ended(String(sent["taskId"]));
  const first = await door.send("GET", "/api/sessions/s1");
  const etag = first.headers.get("etag") ?? "";
  expect(etag).toMatch(/^"\d+\.[01]"$/);
  const same = await door.send("GET", "/api/sessions/s1", {
    headers: { "if-none-match": `"x", W/${etag}` },
  });
  expect([same.status, await same.text(), same.headers.get("etag")]).toEqual([304, "", etag]);
  expect(
    (await door.send("GET", "/api/sessions/s1", { headers: { "if-none-match": '"1.0"' } })).status,
  ).toBe(200);
  expect((await door.json("GET", "/api/sessions")).body).toMatchObject({
    sessions: [{ id: "s1", title: "help", activeTaskId: null }],
    nextCursor: null,
  });
  expect((await door.send("DELETE", "/api/sessions/s1")).status).toBe(204);
  expect((await door.json("GET", "/api/sessions/s1")).status).toBe(404);
  expect((await door.json("DELETE", "/api/sessions/s1")).status).toBe(404);
  expect((await door.json("GET", "/api/sessions")).body["sessions"]).toEqual([]);
});

test("[HTTP6] sessions come page by page, the last changed first, and none is lost between pages", async () => {
  const ids = Array.from({ length: 7 }, (_, index) => `s${index}`);
  await Promise.all(
    ids.map((sessionId) =>
      door.json("POST", "/api/chat/stream", { body: { message: "help", sessionId } }),
    ),
  );
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const { body } = await door.json(
      "GET",
      `/api/sessions?limit=2${cursor === null ? "" : `&cursor=${cursor}`}`,
    );
    seen.push(...(body["sessions"] as { id: string }[]).map(({ id }) => id));
    cursor = body["nextCursor"] as string | null;
  } while (cursor !== null);
  expect([...new Set(seen)].toSorted()).toEqual(ids);
});
