import { Agent, get, type IncomingMessage } from "node:http";

/*
 * Followers of one stream, in a process of their own: connects all, says "ready" when each is up to date, and how long
 * the messages took from the first to the last that anybody got.
 */

/** What a parent asks for. */
export interface Ask {
  readonly url: string;
  readonly followers: number;
  readonly messages: number;
}

const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
const token = Buffer.from("event: token");
const ready = Buffer.from("event: up-to-date");

function occurrences(bytes: Buffer, wanted: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + 1)) count += 1;
  return count;
}

function follow({ url, followers, messages }: Ask): void {
  let waiting = followers;
  let left = followers;
  let firstMs: number | null = null;
  const read = (response: IncomingMessage): void => {
    let rest: Buffer = Buffer.alloc(0);
    let count = 0;
    let isReady = false;
    response.on("data", (chunk: Buffer) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (!isReady && bytes.includes(ready)) {
        isReady = true;
        waiting -= 1;
        if (waiting === 0) process.send?.("ready");
      }
      const found = occurrences(bytes, token);
      if (found > 0) firstMs ??= performance.now();
      count += found;
      // What a chunk cut off is looked at with the next; a whole word must not be counted twice.
      rest = bytes.subarray(Math.max(bytes.lastIndexOf("\n\n") + 2, bytes.length - 400));
      if (occurrences(rest, token) > 0) count -= occurrences(rest, token);
      if (count < messages) return;
      response.destroy();
      left -= 1;
      if (left === 0) process.send?.(performance.now() - (firstMs ?? 0));
    });
    response.on("error", () => undefined);
  };
  for (let number = 0; number < followers; number += 1) get(url, { agent }, read);
}

process.on("message", (ask: Ask) => follow(ask));
process.on("disconnect", () => process.exit());
if (import.meta.main) process.stdout.write("ready\n");
