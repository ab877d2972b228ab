import { afterEach, beforeEach, expect, test } from "vitest";

import { keyFor, openDoor, type Door } from "./door.ts";
import { pacedModels } from "./paced-models.ts";

let here: Door;
let there: Door;
beforeEach(async () => {
  [here, there] = [await openDoor(), await openDoor()];
});
afterEach(async () => {
  await here.close();
  await there.close();
});

type Part = Readonly<Record<string, unknown>>;

async function say(door: Door, message: string, more: object = {}): Promise<Part> {
  const body = { message, sessionId: "main", ...more };
  const said = await door.json("POST", "/api/chat/stream", { body });
  // A turn of another host has no task here to wait for.
  if (said.headers.get("idempotency-replayed") === null && said.status < 300)
    await door.engine.ended(String(said.body["taskId"]));
  return { status: said.status, ...said.body };
}

async function exported(door: Door, sessionId = "main"): Promise<Part[]> {
  const first = (await door.json("GET", `/api/sessions/${sessionId}/export`)).body;
  const parts = [first];
  for (let part = 1; part < Number(first["parts"]); part += 1)
    parts.push((await door.json("GET", `/api/sessions/${sessionId}/export?part=${part}`)).body);
  return parts;
}

const give = (door: Door, body: Part) => door.json("POST", "/api/sessions/import", { body });

async function talk(): Promise<Part[]> {
  await say(here, "help", { client_action_id: "click-1" });
  await say(here, "I need to buy milk");
  const todo = { text: "buy milk", sessionId: "main", client_action_id: "tap-1" };
  await here.json("POST", "/api/todos", { body: todo });
  return await exported(here);
}

test("[PORT1] a session is the same on another host: its state's hash, its messages, its todos", async () => {
  const [part = {}] = await talk();
  expect(part).toMatchObject({ format: "errand-session-1", part: 0, parts: 1 });
  expect((await give(there, part)).body).toEqual({ sessionId: "main", next: 1, done: true });
  const [back = {}] = await exported(there);
  expect(back["stateHash"]).toBe(part["stateHash"]);
  const [a, b] = [here, there].map((door) => door.json("GET", "/api/sessions/main"));
  expect((await b)?.body["state"]).toEqual((await a)?.body["state"]);
  const list = await there.json("GET", "/api/sessions");
  expect(list.body["sessions"]).toMatchObject([{ id: "main", title: "help" }]);
});

test("[PORT2] old keys still dedupe there: the message's, and the todo's", async () => {
  const [part = {}] = await talk();
  await give(there, part);
  const before = (await there.json("GET", "/api/sessions/main")).body["seq"];
  const again = await say(there, "help", { client_action_id: "click-1" });
  const { messages } = (await there.json("GET", "/api/sessions/main")).body["state"] as {
    messages: { id: string; taskId: string }[];
  };
  expect(again["taskId"]).toBe(messages[0]?.taskId);
  expect([again["userMessageId"], again["messageId"]]).toEqual(
    messages.slice(0, 2).map(({ id }) => id),
  );
  const other = await say(there, "something else", { client_action_id: "click-1" });
  expect(other).toMatchObject({ status: 422, code: "idempotency_mismatch" });
  const body = { text: "buy milk", sessionId: "main", client_action_id: "tap-1" };
  expect((await there.json("POST", "/api/todos", { body })).status).toBe(200);
  expect((await there.json("GET", "/api/sessions/main")).body["seq"]).toBe(before);
});

test("[PORT3] a part that comes again changes nothing; other content and parts out of order are refused", async () => {
  const [part = {}] = await talk();
  const late = { ...part, part: 1, parts: 2 };
  expect((await give(there, late)).status).toBe(409);
  await give(there, part);
  expect((await give(there, part)).body).toMatchObject({ done: true });
  expect(await exported(there)).toMatchObject([{ stateHash: part["stateHash"], seq: 1 }]);
  await say(there, "mine", { sessionId: "own" });
  const refused = await give(there, { ...part, sessionId: "own" });
  expect([refused.status, refused.body["code"]]).toEqual([409, "conflict"]);
  expect((await give(there, { ...part, format: "other" })).status).toBe(400);
  expect((await give(there, { ...part, sessionId: "copy" })).status).toBe(200);
});

test("[PORT1] a long session goes in parts that each fit into a request", async () => {
  for (let n = 0; n < 6; n += 1) await say(here, `${n} ${"long ".repeat(30_000)}`);
  const parts = await exported(here);
  expect(parts.length).toBeGreaterThan(1);
  for (const part of parts) expect((await give(there, part)).status).toBe(200);
  expect((await exported(there))[0]?.["stateHash"]).toBe(parts[0]?.["stateHash"]);
});

test("[PORT3] an open turn begins anew on the other host, and those behind it in their order", async () => {
  const models = pacedModels();
  const busy = await openDoor({ models });
  const texts = ["write a poem", "and another"];
  for (const message of texts)
    await busy.json("POST", "/api/chat/stream", { body: { message, sessionId: "main" } });
  const [part = {}] = await exported(busy);
  await give(there, part);
  const { turns } = part["head"] as { turns: { taskId: string }[] };
  for (const { taskId } of turns)
    expect(await there.engine.ended(taskId)).toMatchObject({ status: "completed" });
  const { state } = (await there.json("GET", "/api/sessions/main")).body as {
    state: { messages: { status: string }[] };
  };
  expect(state.messages.map(({ status }) => status)).toEqual([
    "completed",
    "completed",
    "completed",
    "completed",
  ]);
  models.finishAll();
  await busy.close();
});

test("[PORT4] a session that names a task of another user is refused: its answer stays hers", async () => {
  const models = pacedModels();
  const door = await openDoor({ models, auth: true });
  const [ann, bob] = [await keyFor(door, "ann"), await keyFor(door, "bob")];
  const said = await door.json("POST", "/api/chat/stream", {
    key: ann,
    body: { message: "write a secret", sessionId: "hers" },
  });
  const { taskId, messageId, userMessageId } = said.body;
  const [own = {}] = await talk();
  const turn = { taskId, messageId };
  const message = (id: unknown, role: string) => ({
    message: {
      id,
      role,
      parts: [{ type: "text", text: "hm" }],
      taskId,
      status: "failed",
      error: null,
      createdAtMs: 1,
    },
  });
  const head = own["head"] as object;
  const items = [message(userMessageId, "user"), message(messageId, "assistant")];
  const forged = [
    { ...own, head: { ...head, turns: [turn] }, items },
    { ...own, items },
  ];
  for (const body of forged) {
    const refused = await door.json("POST", "/api/sessions/import", { key: bob, body });
    expect([refused.status, refused.body["code"]]).toEqual([409, "conflict"]);
  }
  expect((await door.send("GET", "/api/chat/main/stream", { key: bob })).status).toBe(204);
  models.finishAll();
  await door.engine.ended(String(taskId));
  const hers = (await door.json("GET", "/api/sessions/hers/export", { key: ann })).body;
  const copy = { key: ann, body: { ...hers, sessionId: "copy" } };
  expect((await door.json("POST", "/api/sessions/import", copy)).status).toBe(200);
  await door.close();
});
