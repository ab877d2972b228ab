import OpenAI from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { afterEach, describe, expect, test } from "vitest";

import { startFakeModel, type FakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { dataFolder } from "../engine/workbench.ts";
import { startServer, type ServerProcess } from "./server-process.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface World {
  readonly model: FakeModel;
  /** Starts a server over the same data; answers it with the stock client. */
  readonly start: () => Promise<{ readonly server: ServerProcess; readonly client: OpenAI }>;
}

async function world(tokensPerSecond: number): Promise<World> {
  const model = await startFakeModel({ tokensPerSecond, ttftMs: 20 });
  const { dir, remove } = dataFolder();
  closing.push(() => model.close(), remove);
  return {
    model,
    start: async () => {
      const server = await startServer(dir, { ERRAND_MODEL_BASE_URL: model.baseUrl });
      closing.push(() => server.kill());
      const client = new OpenAI({ apiKey: "any", baseURL: `${server.url}/v1`, maxRetries: 0 });
      return { server, client };
    },
  };
}

const words = (count: number): string => Array.from({ length: count }, () => "word").join(" ");
const ask = { model: "fake-large", input: "[[repeat 90 word]]", background: true } as const;

async function take(
  stream: AsyncIterable<ResponseStreamEvent>,
  enough: (events: readonly ResponseStreamEvent[]) => boolean = () => false,
): Promise<ResponseStreamEvent[]> {
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) {
    events.push(event);
    if (enough(events)) break;
  }
  return events;
}

function textOf(events: readonly ResponseStreamEvent[]): string {
  return events
    .map((event) => (event.type === "response.output_text.delta" ? event.delta : ""))
    .join("");
}

describe("kill -9 behind the stock OpenAI client", () => {
  test(
    "[OAI23] between create and completion: the response is there, and its numbers go on without gap or repeat",
    { timeout: 120_000 },
    async () => {
      const { start } = await world(150);
      for (const seen of [1, 5, 40]) {
        const first = await start();
        const stream = await first.client.responses.create({ ...ask, stream: true });
        const before = await take(stream, ({ length }) => length >= seen);
        const created = before[0];
        const id = created?.type === "response.created" ? created.response.id : "";
        await first.server.kill();
        const second = await start();
        const last = before.at(-1)?.sequence_number ?? -1;
        const after = await take(
          await second.client.responses.retrieve(id, { stream: true, starting_after: last }),
        );
        const events = [...before, ...after];
        expect(events.map((event) => event.sequence_number)).toEqual(events.map((_event, n) => n));
        expect(textOf(events)).toBe(words(90));
        expect(events.at(-1)?.type).toBe("response.completed");
        expect((await second.client.responses.retrieve(id)).output_text).toBe(words(90));
        const strict = second.client.responses.stream({ response_id: id });
        expect((await strict.finalResponse()).output_text).toBe(words(90));
        await second.server.kill();
      }
    },
  );

  test(
    "[OAI21] right after create: the response is completed by the next process",
    { timeout: 60_000 },
    async () => {
      const { start } = await world(0);
      const first = await start();
      const { id } = await first.client.responses.create(ask);
      await first.server.kill();
      const { client } = await start();
      const events = await take(await client.responses.retrieve(id, { stream: true }));
      expect(textOf(events)).toBe(words(90));
      expect((await client.responses.retrieve(id)).status).toBe("completed");
    },
  );

  test(
    "[OAI12] under a chat completion: the same Idempotency-Key finds the answer that the next process gave",
    { timeout: 60_000 },
    async () => {
      const { start } = await world(150);
      const first = await start();
      const headers = { "Idempotency-Key": "k" };
      const body = {
        model: "fake-large",
        messages: [{ role: "user" as const, content: "[[repeat 60 word]]" }],
      };
      const stream = await first.client.chat.completions.create(
        { ...body, stream: true },
        { headers },
      );
      let said = "";
      for await (const chunk of stream) {
        said += chunk.choices[0]?.delta.content ?? "";
        if (said.length > 20) break;
      }
      await first.server.kill();
      const { client } = await start();
      const { data, response } = await client.chat.completions
        .create(body, { headers })
        .withResponse();
      expect(data.choices[0]?.message.content).toBe(words(60));
      expect(response.headers.get("idempotency-replayed")).toBe("true");
    },
  );

  test(
    "[OAI10] a client that drops its connection, of a stream or a whole answer, closes the upstream call",
    { timeout: 60_000 },
    async () => {
      const { start, model } = await world(50);
      const { client } = await start();
      const stream = await client.chat.completions.create({
        model: "fake-large",
        messages: [{ role: "user", content: "[[repeat 5000 word]]" }],
        stream: true,
      });
      await stream[Symbol.asyncIterator]().next();
      stream.controller.abort();
      const record = await model.find(({ aborted }) => aborted);
      expect(record.tokensSent).toBeLessThan(1_000);
      const leaving = new AbortController();
      const whole = client.chat.completions.create(
        { model: "fake-large", messages: [{ role: "user", content: "[[repeat 5001 word]]" }] },
        { signal: leaving.signal },
      );
      await model.find(({ prompt }) => prompt.includes("5001"));
      leaving.abort();
      await expect(whole).rejects.toThrow("aborted");
      await model.find(({ prompt, aborted }) => prompt.includes("5001") && aborted);
    },
  );
});
