/** What an outlet tells its stream. */
export interface OutletEvents {
  /** Something that waited has left: there may be room for more. */
  readonly room: () => void;
  /** The reader has gone. */
  readonly closed: () => void;
}

/** Where the bytes of one event stream go. */
export interface Outlet {
  /** The answer's body; `null` if the host writes to the connection itself. */
  readonly body: ReadableStream<Uint8Array> | null;
  /** Bytes that wait for the reader. */
  readonly waitingBytes: number;
  /** Passes a chunk on. It may be shared with other streams and is not changed. */
  write(chunk: Uint8Array): void;
  /** Ends the answer in good order behind what was written. */
  end(): void;
  /** Breaks the answer off: clients take it for a lost network. */
  fail(reason: string): void;
}

/** Makes the outlet of a stream that is about to be answered. */
export type OpenOutlet = (events: OutletEvents) => Outlet;

/** Bytes, not chunks: a made-up reader of one token and one of a megabyte are not the same load. */
function byLength(bytesMax: number): QueuingStrategy<Uint8Array> {
  return { highWaterMark: bytesMax, size: (chunk) => chunk.byteLength };
}

/**
 * An outlet over a web stream, for hosts that take a `Response` with a body. Below `bytesMax` waiting bytes the stream
 * asks for more. `fail` makes the body fail.
 */
export function webOutlet({ room, closed }: OutletEvents, bytesMax: number): Outlet {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      pull: room,
      cancel: closed,
    },
    byLength(bytesMax),
  );
  return {
    body,
    get waitingBytes() {
      return bytesMax - (controller?.desiredSize ?? 0);
    },
    write: (chunk) => controller?.enqueue(chunk),
    end: () => controller?.close(),
    fail: (reason) => controller?.error(new Error(reason)),
  };
}
