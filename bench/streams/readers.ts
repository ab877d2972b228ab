import { Agent, request, type IncomingMessage } from "node:http";

import { clockUs } from "./clock.ts";

/*
 * The readers of one pass, in a process of their own: starts streams spread over a second, reads each to its end and
 * sends what it saw to its parent. `direct` asks the model itself; `errand` submits a task and follows its feed.
 */

/** What a parent asks for. */
export interface Ask {
  readonly way: "direct" | "errand";
  /** Of the model (with /v1) or of Errand. */
  readonly url: string;
  /** Type of the tasks. */
  readonly type: string;
  readonly streams: number;
  readonly tokens: number;
  /** Each stream in a session of its own, whose names begin so; absent: in none. */
  readonly session?: string;
  /** More request headers: what a gateway wants to be told. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What all streams of a pass saw, in milliseconds. */
export interface Seen {
  /** From the request to the first token. */
  readonly firstMs: readonly number[];
  /** Age of each later token when it was read. */
  readonly delayMs: readonly number[];
  /** Streams that ended with fewer tokens than were asked for, or did not end. */
  readonly dropped: number;
  /** Why: what each of them saw last. */
  readonly why: readonly string[];
}

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const tokenPattern = /@(\d{16}) /g;
const tokenChars = 18;
const headers = { "content-type": "application/json", "x-requested-with": "bench" };

function send(
  url: string,
  method: string,
  body?: string,
  more: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  const answer = Promise.withResolvers<IncomingMessage>();
  const options = { method, agent, headers: { ...headers, ...more } };
  const asked = request(url, options, (response) => answer.resolve(response));
  asked.on("error", answer.reject);
  asked.end(body);
  return answer.promise;
}

async function text(response: IncomingMessage): Promise<string> {
  let all = "";
  for await (const chunk of response) all += String(chunk);
  return all;
}

async function open(ask: Ask, number: number): Promise<IncomingMessage> {
  if (ask.way === "direct")
    return await send(
      `${ask.url}/chat/completions`,
      "POST",
      '{"model":"clock","stream":true,"messages":[{"role":"user","content":"go"}]}',
      ask.headers,
    );
  const submitted = await send(
    `${ask.url}/api/tasks`,
    "POST",
    JSON.stringify({
      type: ask.type,
      input: { prompt: "go" },
      ...(ask.session === undefined ? {} : { sessionId: `${ask.session}${number}` }),
    }),
  );
  const task: unknown = JSON.parse(await text(submitted));
  if (typeof task !== "object" || task === null || !("id" in task))
    throw new Error(`a submit was answered ${submitted.statusCode}: ${JSON.stringify(task)}`);
  return await send(`${ask.url}/api/tasks/${String(task.id)}/stream`, "GET");
}

/** Characters of a dropped stream that are told: its last event says how its task ended. */
const tailChars = 600;

/** Reads a stream to its end. Answers what is wrong with it; "" if nothing is. */
async function readOne(
  ask: Ask,
  number: number,
  seen: { firstMs: number[]; delayMs: number[] },
): Promise<string> {
  const startedUs = clockUs();
  const response = await open(ask, number);
  response.setEncoding("latin1");
  let count = 0;
  let rest = "";
  let tail = "";
  let broken = "";
  try {
    for await (const chunk of response) {
      const nowUs = clockUs();
      tail = (tail + String(chunk)).slice(-tailChars);
      rest += chunk;
      let after = 0;
      // The end of a task repeats its whole output: what comes behind the last token is not looked at.
      for (const match of count < ask.tokens ? rest.matchAll(tokenPattern) : []) {
        if (count === ask.tokens) break;
        if (count === 0) seen.firstMs.push((nowUs - startedUs) / 1_000);
        else seen.delayMs.push((nowUs - Number(match[1])) / 1_000);
        count += 1;
        after = match.index + tokenChars;
      }
      rest = rest.slice(Math.max(after, rest.length - tokenChars));
    }
  } catch (error) {
    broken = ` (${String(error)})`;
  }
  return count === ask.tokens
    ? ""
    : `status ${response.statusCode}, ${count} of ${ask.tokens} tokens after ${Math.round((clockUs() - startedUs) / 1_000)} ms${broken}, at last: ${tail}`;
}

/** One stream alone tells one first token: a pass of one is made of so many, one after the other. */
export const singles = 5;

async function pass(ask: Ask): Promise<Seen> {
  if (ask.streams !== 1) return await together(ask);
  const all: Seen[] = [];
  while (all.length < singles) all.push(await together(ask));
  return {
    firstMs: all.flatMap(({ firstMs }) => firstMs),
    delayMs: all.flatMap(({ delayMs }) => delayMs),
    dropped: all.reduce((sum, { dropped }) => sum + dropped, 0),
    why: all.flatMap(({ why }) => why),
  };
}

/** Streams of a pass in all. */
export function streamsOf(ask: Pick<Ask, "streams">): number {
  return ask.streams === 1 ? singles : ask.streams;
}

async function together(ask: Ask): Promise<Seen> {
  const seen = { firstMs: [] as number[], delayMs: [] as number[] };
  const rampMs = ask.streams === 1 ? 0 : 1_000;
  const ended = await Promise.allSettled(
    Array.from({ length: ask.streams }, async (_, number) => {
      await new Promise((resolve) => setTimeout(resolve, (rampMs * number) / ask.streams));
      return await readOne(ask, number, seen);
    }),
  );
  const why = ended
    .map((end) => (end.status === "rejected" ? String(end.reason) : end.value))
    .filter((said) => said !== "");
  return { ...seen, dropped: why.length, why };
}

process.on("message", (ask: Ask) => {
  void pass(ask).then((seen) => process.send?.(seen));
});
process.on("disconnect", () => process.exit());
if (import.meta.main) process.stdout.write("ready\n");
