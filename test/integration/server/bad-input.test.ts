import { afterAll, beforeAll, expect, test } from "vitest";

import { isRecord } from "../../../src/core/json.ts";
import type { Operation } from "../../../src/server/index.ts";
import { bitingStrings, brokenBodies, oddHeaders, wrongTypes, wrongValues } from "./corpus.ts";
import { openDoor, type Ask, type Door } from "./door.ts";
import { pacedModels } from "./paced-models.ts";
import { bodyOf, checkAnswer, makeSights, pathOf, type Sights } from "./tour.ts";

let door: Door;
let sights: Sights;
beforeAll(async () => {
  const models = pacedModels();
  models.finishAll();
  door = await openDoor({
    models,
    settings: { limits: { submitsBurst: 1_000_000, replyWaitMs: 1_000 } },
  });
  const made = await door.json("POST", "/v1/responses", {
    body: { model: "fake-large", input: "hello", background: true },
  });
  sights = { ...(await makeSights(door, "local")), responseId: String(made.body["id"]) };
});
afterAll(async () => {
  await door.close();
});

/** Operations of the document, which must be those that are mounted. */
async function documented(): Promise<readonly Operation[]> {
  const { body } = await door.json("GET", "/openapi.json");
  const paths = isRecord(body["paths"]) ? body["paths"] : {};
  const named = Object.entries(paths).flatMap(([path, methods]) =>
    isRecord(methods) ? Object.keys(methods).map((method) => `${method} ${path}`) : [],
  );
  const mounted = door.server.operations.map(({ method, path }) => `${method} ${path}`);
  expect(named.toSorted()).toEqual(mounted.toSorted());
  return door.server.operations;
}

async function withBody(): Promise<readonly Operation[]> {
  return (await documented()).filter(({ body }) => body !== undefined);
}

/** Sends one bad thing: no 5xx, a documented answer, a problem with a code, and the next request is served. */
async function send(
  operation: Operation,
  ask: Ask,
  path = pathOf(operation, sights),
): Promise<number> {
  const response = await door.send(operation.method.toUpperCase(), path, ask);
  expect([operation.id, response.status >= 500]).toEqual([operation.id, false]);
  await checkAnswer(operation, response);
  return response.status;
}

async function stillWell(): Promise<void> {
  expect((await door.json("GET", "/healthz")).body).toEqual({ status: "ok" });
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect(Object.prototype).not.toHaveProperty("polluted");
  expect(door.errors).toEqual([]);
}

test(
  "[SEC25,HTTP7] no body, however broken, is more than a 4xx to any operation",
  { timeout: 120_000 },
  async () => {
    for (const operation of await withBody()) {
      for (const [name, raw] of brokenBodies()) {
        const status = await send(operation, { raw });
        expect([operation.id, name, status >= 400]).toEqual([operation.id, name, true]);
      }
    }
    await stillWell();
  },
);

test("[HTTP3,HTTP7] no operation reads a body of another type", async () => {
  for (const operation of await withBody()) {
    for (const headers of wrongTypes)
      expect(await send(operation, { raw: "{}", headers })).toBe(415);
  }
  await stillWell();
});

test(
  "[SEC24,SEC25,HTTP7] no value of any field does more than a 4xx",
  { timeout: 120_000 },
  async () => {
    for (const operation of await withBody()) {
      const good = bodyOf(operation);
      if (!isRecord(good)) continue;
      for (const field of Object.keys(good)) {
        for (const value of wrongValues())
          await send(operation, { body: { ...good, [field]: value } });
        for (const value of bitingStrings)
          await send(operation, { body: { ...good, [field]: value } });
      }
      for (const field of [
        "userId",
        "role",
        "state",
        "attempts",
        "constructor",
        "toJSON",
        "then",
        "hasOwnProperty",
      ]) {
        await send(operation, { body: { ...good, [field]: { x: 1 } } });
      }
    }
    await stillWell();
  },
);

test("[HTTP4,HTTP7] no path does more than a 4xx, and none leads elsewhere", async () => {
  for (const operation of (await documented()).filter(({ path }) => path.includes("{"))) {
    for (const text of bitingStrings.filter((one) => one.length < 8_000)) {
      const bad = {
        taskId: encodeURIComponent(toWellFormed(text)),
        sessionId: encodeURIComponent(toWellFormed(text)),
        userId: encodeURIComponent(toWellFormed(text)),
        schedule: encodeURIComponent(toWellFormed(text)),
        todoId: encodeURIComponent(toWellFormed(text)),
        reminderId: encodeURIComponent(toWellFormed(text)),
        approvalId: encodeURIComponent(toWellFormed(text)),
        model: encodeURIComponent(toWellFormed(text)),
        responseId: encodeURIComponent(toWellFormed(text)),
        queue: encodeURIComponent(toWellFormed(text)),
      };
      const body = bodyOf(operation);
      const response = await door.send(
        operation.method.toUpperCase(),
        pathOf(operation, bad),
        body === undefined ? {} : { body },
      );
      expect([operation.id, text.slice(0, 40), response.status >= 500]).toEqual([
        operation.id,
        text.slice(0, 40),
        false,
      ]);
      await response.body?.cancel();
    }
    for (const bad of [
      "%",
      "%zz",
      "%c0%af",
      "..%2f..%2fetc%2fpasswd",
      "%00",
      "a%20b",
      "%ED%A0%80",
    ]) {
      const response = await door.send(
        operation.method.toUpperCase(),
        pathOf(operation, {
          taskId: bad,
          schedule: bad,
          todoId: bad,
          reminderId: bad,
          approvalId: bad,
          queue: bad,
          sessionId: bad,
          userId: bad,
          model: bad,
          responseId: bad,
        }),
      );
      expect([operation.id, bad, response.status]).toEqual([
        operation.id,
        bad,
        expect.toSatisfy((status: number) => status === 404 || status === 415),
      ]);
      expect(await response.json()).toHaveProperty(
        operation.path.startsWith("/v1/") ? "error.code" : "code",
      );
    }
  }
  await stillWell();
});

test("[HTTP4,HTTP7] no query does more than a 4xx, and unknown parameters are refused", async () => {
  for (const operation of (await documented()).filter(({ query }) => query !== undefined)) {
    const path = pathOf(operation, sights);
    for (const name of [
      "limit",
      "cursor",
      "after",
      "from",
      "to",
      "type",
      "status",
      "session",
      "nonsense",
    ]) {
      for (const text of bitingStrings.filter((one) => one.length < 8_000)) {
        const status = await send(
          operation,
          {},
          `${path}?${name}=${encodeURIComponent(toWellFormed(text))}`,
        );
        if (name === "nonsense") expect(status).toBe(400);
      }
    }
    expect(await send(operation, {}, `${path}?__proto__=1`)).toBe(400);
    expect(await send(operation, {}, `${path}?constructor=1&toString=2`)).toBe(400);
  }
  await stillWell();
});

test("[SEC25,HTTP7] no header does more than a 4xx", { timeout: 120_000 }, async () => {
  for (const operation of await documented()) {
    const body = bodyOf(operation);
    for (const headers of oddHeaders()) {
      // An answer to one odd header may end the sights' task for the next operation: only what answers matters here.
      await send(operation, { ...(body === undefined ? {} : { body }), headers });
    }
  }
  await stillWell();
});

test("[SEC18] what is data comes back as it was sent", async () => {
  const input = JSON.parse(
    '{"__proto__":{"polluted":1},"lc":1,"__type":"Map","s":"\\ud83d \\u0000 \\u202e","zwj":"👩‍👩‍👧","nfc":["\\u00e9","e\\u0301"],"n":[1e21,-0.5,123456789012345680]}',
  ) as Record<string, unknown>;
  const id = await door.submit("echo", input);
  await door.engine.ended(id);
  const raw = await (await door.send("GET", `/api/tasks/${id}`)).text();
  const { input: sent, output } = JSON.parse(raw) as { input: unknown; output: unknown };
  expect(JSON.stringify(sent)).toBe(JSON.stringify(input));
  expect(JSON.stringify(output)).toBe(JSON.stringify(input));
  await stillWell();
});

test("[SEC10] text with event marks in it stays text on every stream", async () => {
  const evil = '\n\nevent: end\ndata: {"task":{}}\n\nid: 9.9.9\r\r\u2028data: [DONE]\n\n';
  const id = await door.submit("script", { acts: [{ say: evil }, { output: { text: evil } }] });
  const stream = await (await door.send("GET", `/api/tasks/${id}/stream`)).text();
  expect(stream.match(/^event: end$/gm)).toHaveLength(1);
  expect(stream.match(/^id: 9\.9\.9$/gm)).toBeNull();
  const chat = {
    id: "evil",
    messages: [{ id: "m", role: "user", parts: [{ type: "text", text: `enqueue ${evil}` }] }],
  };
  const answer = await (await door.send("POST", "/api/chat", { body: chat })).text();
  expect(answer.match(/^data: \[DONE\]$/gm)).toHaveLength(1);
});

function toWellFormed(text: string): string {
  return text.toWellFormed();
}
