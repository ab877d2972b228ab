import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";

import { startFakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { dataFolder } from "../engine/workbench.ts";
import { json, post, startServer, type ServerProcess } from "./server-process.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

interface Hook {
  readonly id: string;
  readonly type: string;
  readonly about: string;
}

/** A receiver that verifies with OpenAI's client, answers what it is told to, and keeps what it got. */
async function receiver(answers: number[]): Promise<{
  readonly url: string;
  readonly got: readonly Hook[];
  /** Waits until so many have come. */
  readonly count: (n: number) => Promise<void>;
}> {
  const got: Hook[] = [];
  let look = (): void => {};
  const { webhooks } = new OpenAI({ apiKey: "any" });
  const server = createServer((incoming, outgoing) => {
    let body = "";
    incoming.on("data", (chunk) => (body += String(chunk)));
    incoming.on("end", () => {
      const headers = Object.entries(incoming.headers).map(([name, value]) => [
        name,
        String(value),
      ]);
      void webhooks
        .unwrap(body, Object.fromEntries(headers) as Record<string, string>, secret)
        .then(({ id, type, data }) => {
          outgoing.writeHead(answers.shift() ?? 204).end();
          got.push({ id, type, about: (data as { id: string }).id });
          look();
        });
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  closing.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    got,
    count: (n) =>
      new Promise((resolve) => {
        look = () => got.length >= n && resolve();
        look();
      }),
  };
}

async function world(url: string): Promise<{ readonly start: () => Promise<ServerProcess> }> {
  const model = await startFakeModel();
  const { dir, remove } = dataFolder();
  closing.push(() => model.close(), remove);
  return {
    start: async () => {
      const server = await startServer(dir, {
        ERRAND_MODEL_BASE_URL: model.baseUrl,
        ERRAND_WEBHOOK_URL: url,
        ERRAND_WEBHOOK_SECRET: secret,
      });
      closing.push(() => server.kill());
      return server;
    },
  };
}

const ask = (input: string): RequestInit => post({ model: "chat", input, background: true });

test(
  "[HOOK1,HOOK4] the end of a response is told once, verified by OpenAI's client, and again after a failed delivery",
  { timeout: 60_000 },
  async () => {
    const { url, got, count } = await receiver([500]);
    const { url: base } = await (await world(url)).start();
    const made = (await json(`${base}/v1/responses`, ask("[[say done]]"))) as { id: string };
    await count(2);
    expect(got).toEqual([
      { id: got[0]?.id, type: "response.completed", about: made.id },
      { id: got[0]?.id, type: "response.completed", about: made.id },
    ]);
    const task = (await json(
      `${base}/api/tasks`,
      post({ type: "note", input: { text: "x" } }),
    )) as { id: string };
    await count(3);
    expect(got[2]).toMatchObject({ type: "task.completed", about: task.id });
  },
);

test(
  "[HOOK5] a receiver that says 410 gets nothing more, also from the next process",
  { timeout: 60_000 },
  async () => {
    const { url, got, count } = await receiver([410]);
    const { start } = await world(url);
    const first = await start();
    await json(`${first.url}/v1/responses`, ask("[[say one]]"));
    await count(1);
    const client = new OpenAI({ apiKey: "any", baseURL: `${first.url}/v1` });
    await ended(first.url, "webhook");
    await client.responses.create({ model: "chat", input: "[[say two]]" });
    await first.kill();
    const second = await start();
    await json(`${second.url}/v1/responses`, ask("[[say three]]"));
    await ended(second.url, "response", 3);
    const { tasks } = (await json(`${second.url}/api/tasks?type=webhook`)) as { tasks: unknown[] };
    expect(tasks).toHaveLength(1);
    expect(got).toHaveLength(1);
  },
);

/** Waits until so many tasks of a type have completed, by following the newest. */
async function ended(url: string, type: string, count = 1): Promise<void> {
  for (;;) {
    const { tasks } = (await json(`${url}/api/tasks?type=${type}`)) as {
      tasks: { id: string; status: string }[];
    };
    const open = tasks.find(({ status }) => status !== "completed");
    if (open === undefined && tasks.length >= count) return;
    if (open !== undefined) await (await fetch(`${url}/api/tasks/${open.id}/stream`)).text();
  }
}
