import { RequestFailed } from "./failure.ts";
import type { FeedEnvironment, WakeCause } from "./feed-environment.ts";
import { createSseParser } from "./sse.ts";
import type { SseItem } from "./sse.ts";

/** What one connection gives: it opened, events, or "nothing left" (204) instead of both. */
export type ReaderItem =
  | { readonly kind: "open" }
  | { readonly kind: "ended" }
  | Extract<SseItem, { kind: "event" }>;

/** One connection to read. */
export interface FeedRead {
  open(): Promise<Response>;
  /** Aborted by the reader when the connection is silent for too long. */
  readonly connection: AbortController;
  readonly environment: FeedEnvironment;
}

/** The server sends a comment every 15 s: a connection silent for longer than two of them and a bit is dead. */
export const silenceMsMax = 40_000;
/** On a wake, a connection that missed its last sign of life is given up at once. */
const silenceMsAtWake = 17_000;

/**
 * Reads one connection to its end. A half-open connection (a phone that slept, a changed network) never fails by
 * itself, so silence counts as a loss: the connection is aborted and `RequestFailed` (network) thrown.
 */
export async function* readFeed(read: FeedRead): AsyncGenerator<ReaderItem, void, undefined> {
  const watch = watchSilence(read);
  try {
    const response = await watch.guard(read.open());
    if (response.status === 204) {
      yield { kind: "ended" };
      return;
    }
    const body = response.body;
    if (body === null) throw new RequestFailed({ kind: "confusing", detail: "an empty stream" });
    yield { kind: "open" };
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = createSseParser();
    for (;;) {
      // Pieces arrive one after the other.
      // oxlint-disable-next-line no-await-in-loop
      const { done, value } = await watch.guard(reader.read());
      if (done) return;
      watch.heard();
      for (const item of parser.push(value)) if (item.kind === "event") yield item;
    }
  } finally {
    watch.stop();
  }
}

interface SilenceWatch {
  heard(): void;
  stop(): void;
  /** Turns what an abort or a broken connection throws into a `RequestFailed`. */
  guard<T>(step: Promise<T>): Promise<T>;
}

function watchSilence({ connection, environment }: FeedRead): SilenceWatch {
  let heardAtMs = environment.nowMs();
  const silentMs = (): number => environment.nowMs() - heardAtMs;
  const arm = (delayMs: number): (() => void) =>
    environment.after(delayMs, () => {
      if (silentMs() >= silenceMsMax) connection.abort();
      else cancel = arm(silenceMsMax - silentMs());
    });
  const unsubscribe = environment.onWake((cause: WakeCause) => {
    // A new network has new routes: an old connection may hang on the one that is gone.
    if (cause === "online" || silentMs() >= silenceMsAtWake) connection.abort();
  });
  let cancel = arm(silenceMsMax);
  return {
    heard: () => void (heardAtMs = environment.nowMs()),
    stop() {
      cancel();
      unsubscribe();
    },
    async guard(step) {
      try {
        return await step;
      } catch (cause) {
        if (cause instanceof RequestFailed) throw cause;
        throw new RequestFailed({ kind: "network", detail: "the stream broke off" }, { cause });
      }
    },
  };
}
