import { createHash } from "node:crypto";

import { expect, test } from "vitest";

import { createMemoryStore } from "../../src/adapters/memory/memory-store.ts";
import { createSseParser } from "../../src/client/sse.ts";
import { defineTask, Engine } from "../../src/engine/index.ts";
import { createServer, type ErrandServer } from "../../src/server/index.ts";
import { builtInTasks, engineDesk } from "../../src/tasks/index.ts";
import { plainCipher } from "../sim/plain-cipher.ts";

const clock = { nowMs: () => Date.now() };
const log = { info: () => {}, error: () => {} };

async function open(): Promise<{ readonly engine: Engine; readonly server: ErrandServer }> {
  const talk = defineTask<null, string>("talk", {}, async (_input, ctx) => {
    for (const word of ["in ", "workerd ", "too"]) await ctx.write(word);
    return "in workerd too";
  });
  const engine: Engine = new Engine(
    {
      store: createMemoryStore(),
      cipher: plainCipher(),
      clock,
      random: {
        bytes: (bytes) => crypto.getRandomValues(bytes),
        unit: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
      },
      turn: { later: (task) => void setTimeout(task, 0) },
      log,
      waker: () => ({ arm: () => {} }),
      fatal: (error) => {
        throw error;
      },
      sha256: (text) => Promise.resolve(createHash("sha256").update(text).digest("hex")),
    },
    { tasks: [...builtInTasks(engineDesk(() => engine)), talk] },
  );
  await engine.start();
  const server = createServer(engine, { version: "1.2.3", auth: null, hosts: null, clock, log });
  return { engine, server };
}

async function eventsOf(response: Response): Promise<{ name: string; data: string }[]> {
  const items = createSseParser().push(await response.text());
  return items.flatMap((item) =>
    item.kind === "event" ? { name: item.name, data: item.data } : [],
  );
}

function post(path: string, body: unknown): Request {
  return new Request(`http://localhost:8787${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

test("[HTTP13] the doors are the same inside workerd: submit, follow, chat, refuse", async () => {
  const { engine, server } = await open();
  const made = await server.fetch(post("/api/tasks", { type: "talk" }));
  expect(made.status).toBe(201);
  const { id } = await made.json<{ id: string }>();

  const feed = await server.fetch(new Request(`http://localhost:8787/api/tasks/${id}/stream`));
  const events = await eventsOf(feed);
  const text = events
    .filter(({ name }) => name === "token")
    .map(({ data }) => (JSON.parse(data) as { text: string }).text);
  expect(text.join("")).toBe("in workerd too");
  expect(events.at(-1)?.name).toBe("end");

  const chat = {
    id: "c1",
    messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "help" }] }],
  };
  const answer = await server.fetch(post("/api/chat", chat));
  expect(answer.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
  expect((await eventsOf(answer)).at(-1)?.data).toBe("[DONE]");

  const refused = await server.fetch(post("/api/tasks", { type: "talk", role: "admin" }));
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ errors: [{ field: "role" }] });
  const models = await server.fetch(new Request("http://localhost:8787/v1/models"));
  expect(await models.json()).toEqual({ object: "list", data: [] });
  const asked = await server.fetch(
    post("/v1/chat/completions", { model: "m", messages: [{ role: "user", content: "hi" }] }),
  );
  expect(await asked.json()).toMatchObject({ error: { code: "model_not_found" } });
  const document = await server.fetch(new Request("http://localhost:8787/openapi.json"));
  expect(await document.json()).toMatchObject({ openapi: "3.1.0" });
  server.close();
  await engine.stop(0);
});
