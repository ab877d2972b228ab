/** Reads server-sent events of an answer, one after the other. */
import { createSseParser } from "../../../src/client/sse.ts";
import { isRecord } from "../../../src/core/json.ts";

/** One event. */
export interface Seen {
  readonly name: string;
  readonly id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An open stream. */
export interface EventReader {
  readonly response: Response;
  /** The next event; null when the stream has ended. Rejects if it was broken off. */
  next(): Promise<Seen | null>;
  /** Events up to the first that fits, with it. Throws if the stream ends before. */
  until(fits: (seen: Seen) => boolean): Promise<readonly Seen[]>;
  /** All events to the end. */
  rest(): Promise<readonly Seen[]>;
  /** The client goes away. */
  leave(): Promise<void>;
}

/** Reads a stream's events. */
export function readEvents(response: Response): EventReader {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const parser = createSseParser();
  const waiting: Seen[] = [];
  const next = async (): Promise<Seen | null> => {
    for (;;) {
      const seen = waiting.shift();
      if (seen !== undefined) return seen;
      const piece = await reader?.read();
      if (piece === undefined || piece.done) return null;
      for (const item of parser.push(piece.value)) {
        if (item.kind === "event")
          waiting.push({ name: item.name, id: item.id, data: dataOf(item.data) });
      }
    }
  };
  const collect = async (
    fits: (seen: Seen) => boolean,
  ): Promise<{ seen: Seen[]; found: boolean }> => {
    const seen: Seen[] = [];
    for (;;) {
      const event = await next();
      if (event === null) return { seen, found: false };
      seen.push(event);
      if (fits(event)) return { seen, found: true };
    }
  };
  return {
    response,
    next,
    async until(fits) {
      const { seen, found } = await collect(fits);
      if (!found) throw new Error(`the stream ended with: ${JSON.stringify(seen.slice(-3))}`);
      return seen;
    },
    rest: async () => (await collect(() => false)).seen,
    leave: async () => {
      await reader?.cancel();
    },
  };
}

function dataOf(text: string): Readonly<Record<string, unknown>> {
  if (text === "[DONE]") return { done: true };
  const data: unknown = JSON.parse(text);
  if (!isRecord(data)) throw new TypeError(`an event's data is no object: ${text.slice(0, 100)}`);
  return data;
}

/** The text that the token events of a feed make, with resets honoured. */
export function textOfEvents(events: readonly Seen[]): string {
  let text = "";
  for (const { name, data } of events) {
    if (name === "token") text = text.slice(0, Number(data["offset"])) + String(data["text"]);
    else if (name === "reset") text = text.slice(0, Number(data["offset"]));
  }
  return text;
}
