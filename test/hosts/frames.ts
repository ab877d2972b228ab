/** What comes over a WebSocket, frame after frame, on every host. */
import { isRecord } from "../../src/core/json.ts";
import type { Seen } from "../integration/server/event-reader.ts";

/** What came over a socket. */
export interface Frame {
  readonly t: string;
  readonly channel: string | null;
  readonly seq: string | null;
  /** Name and data of an `ev` frame. */
  readonly event: { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
  readonly code?: string;
  readonly message?: string;
}

/** Frames that have come, and who waits for them. */
export class Frames {
  readonly #waiting: Frame[] = [];
  #look = (): void => {};
  #isOver = false;

  put(text: string): void {
    const frame: unknown = JSON.parse(text);
    if (!isRecord(frame)) throw new TypeError(`not a frame: ${text.slice(0, 100)}`);
    this.#waiting.push(frame as unknown as Frame);
    this.#look();
  }

  over(): void {
    this.#isOver = true;
    this.#look();
  }

  async until(fits: (frame: Frame) => boolean): Promise<readonly Frame[]> {
    const seen: Frame[] = [];
    for (;;) {
      const frame = this.#waiting.shift();
      if (frame !== undefined) {
        seen.push(frame);
        if (fits(frame)) return seen;
      } else if (this.#isOver) throw new Error(`closed after: ${JSON.stringify(seen.slice(-3))}`);
      else await new Promise<void>((resolve) => (this.#look = resolve));
    }
  }
}

/** Fits the end of a channel. */
export const isEndOf =
  (channel: string) =>
  (frame: Frame): boolean =>
    frame.t === "end" && frame.channel === channel;

/** Frames of a channel as an event stream would have told them. */
export function asSeen(frames: readonly Frame[]): readonly Seen[] {
  return frames.flatMap(({ t, seq, event }) =>
    t === "ev" ? { name: event.type, id: seq, data: event.data } : [],
  );
}
