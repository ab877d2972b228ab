/** OpenAI's own client on a door, without a socket, and models for it. */
import OpenAI from "openai";

import { ModelError, type Delta, type ModelCall, type Models } from "../../../src/ports/models.ts";
import { adminKey, openDoor, origin, type Door, type DoorOptions } from "./door.ts";
import { pacedModels, type PacedModels } from "./paced-models.ts";

/** A stock client; it never repeats a request by itself, unless told. */
export function openaiClient(
  door: Door,
  options: { readonly key?: string; readonly maxRetries?: number } = {},
): OpenAI {
  return new OpenAI({
    apiKey: options.key ?? adminKey,
    baseURL: `${origin}/v1`,
    maxRetries: options.maxRetries ?? 0,
    fetch: (url, init) => door.server.fetch(new Request(url, init)),
  });
}

/** A door with a paced model and the stock client; `close` ends what is open. */
export async function openClient(options: DoorOptions = {}): Promise<{
  readonly door: Door;
  readonly models: PacedModels;
  readonly client: OpenAI;
  readonly close: () => Promise<void>;
}> {
  const models = pacedModels();
  const door = await openDoor({ models, ...options });
  return {
    door,
    models,
    client: openaiClient(door),
    close: async () => {
      models.finishAll();
      await door.close();
    },
  };
}

/** The plainest request. */
export const ask: { model: string; messages: { role: "user"; content: string }[] } = {
  model: "fake-large",
  messages: [{ role: "user", content: "hello" }],
};

/** A model that answers at once, and keeps what it was asked. */
export function scripted(
  deltas: readonly Delta[],
): Models & { readonly calls: ModelCall[]; readonly embedded: string[][] } {
  const calls: ModelCall[] = [];
  const embedded: string[][] = [];
  return {
    calls,
    embedded,
    async *stream(call) {
      calls.push(call);
      yield deltas;
    },
    list: () => Promise.resolve(["fake-large", "org/model:7b"]),
    embed({ texts }) {
      embedded.push([...texts]);
      const vectors = texts.map((text) => [text.length, 0.5, -1]);
      return Promise.resolve({ vectors, inputTokens: texts.length * 2 });
    },
  };
}

/** A model whose first call breaks off behind some pieces; the next call says others, to the end. */
export function breaking(first: readonly string[], second: readonly string[]): Models {
  let calls = 0;
  return {
    async *stream() {
      calls += 1;
      for (const piece of calls === 1 ? first : second) yield [{ type: "text", text: piece }];
      if (calls === 1) throw new ModelError("broken", "the connection broke");
      yield [{ type: "finish", reason: "stop" }];
    },
    list: () => Promise.resolve(["fake-large"]),
    embed: () => Promise.resolve({ vectors: [] }),
  };
}

/** A chunk of a streamed chat completion. */
export interface Chunk {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly object: string;
  readonly choices: readonly {
    readonly delta: { readonly content?: string };
    readonly finish_reason: string | null;
  }[];
}

/** The chunks of a stream's text. */
export function chunksOf(text: string): readonly Chunk[] {
  return [...text.matchAll(/^data: (\{.*)$/gm)]
    .map(([, json]) => JSON.parse(json ?? "") as Chunk)
    .filter((chunk) => "choices" in chunk);
}

/** What chunks say. */
export function contentOf(chunks: readonly Chunk[]): string {
  return chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
}

/** The output of a task, when it has ended. */
export async function stored(door: Door, taskId: string): Promise<unknown> {
  await door.engine.ended(taskId);
  return (await door.engine.reader.view(taskId, null)).output;
}
