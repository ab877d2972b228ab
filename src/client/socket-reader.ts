import { RequestFailed, type Refusal } from "./failure.ts";
import type { FeedEnvironment } from "./feed-environment.ts";
import { silenceMsMax, type ReaderItem } from "./feed-reader.ts";
import { fieldsOf, parseJson, type Fields } from "./shape.ts";

/** One WebSocket connection to read a channel from. */
export interface SocketRead {
  /** `ws:` or `wss:` address of the socket, with the channel and cursor it begins with. */
  readonly url: string;
  readonly channel: string;
  /** Shown in the first message; null sends none. */
  readonly apiKey: string | null;
  /** Aborted to leave. */
  readonly connection: AbortController;
  readonly environment: FeedEnvironment;
  readonly WebSocket: typeof WebSocket;
  /** Asks over HTTP what a refused upgrade does not tell: rejects with the refusal, if there is one. */
  ask(): Promise<unknown>;
}

/** How often a ping shows that the other side lives: those of the protocol are not seen here. */
const pingEveryMs = 25_000;

/** The server closes with this code where no good key was shown. */
const unauthenticatedCode = 4401;

/**
 * Reads one connection to its end, as {@link readFeed} does for event streams. A socket that is silent for 40 s although
 * it was pinged is a lost one. Throws `RequestFailed`.
 */
export async function* readSocket(read: SocketRead): AsyncGenerator<ReaderItem, void, undefined> {
  const inbox = new Inbox();
  const socket = openSocket(read, inbox);
  const { environment, connection } = read;
  let isOpen = false;
  const leave = (): void => inbox.put({ kind: "lost", failure: lost("the reader has left") });
  connection.signal.addEventListener("abort", leave, { once: true });
  let heardAtMs = environment.nowMs();
  const beat = (): void => {
    if (environment.nowMs() - heardAtMs >= silenceMsMax)
      inbox.put({ kind: "lost", failure: lost("the connection is silent") });
    else if (socket.readyState === socket.OPEN) socket.send('{"t":"ping"}');
    cancel = environment.after(pingEveryMs, beat);
  };
  let cancel = environment.after(pingEveryMs, beat);
  const unsubscribe = environment.onWake((cause) => {
    if (cause === "online") inbox.put({ kind: "lost", failure: lost("the network changed") });
    else if (socket.readyState === socket.OPEN) socket.send('{"t":"ping"}');
  });
  try {
    for (;;) {
      // Messages arrive one after the other.
      // oxlint-disable-next-line no-await-in-loop
      const item = await inbox.take();
      heardAtMs = environment.nowMs();
      if (item.kind === "lost") {
        // Platforms hide why an upgrade was refused: the same question over HTTP is answered with words.
        // oxlint-disable-next-line no-await-in-loop
        if (!isOpen && !connection.signal.aborted) await read.ask();
        throw item.failure;
      }
      isOpen ||= item.kind === "open";
      if (item.kind === "quiet") continue;
      yield item;
      if (item.kind === "ended") return;
    }
  } finally {
    cancel();
    unsubscribe();
    connection.signal.removeEventListener("abort", leave);
    socket.close(1000);
  }
}

type InboxItem =
  | ReaderItem
  /** A sign of life that says nothing. */
  | { readonly kind: "quiet" }
  | { readonly kind: "lost"; readonly failure: RequestFailed };

/** Messages that came and were not taken yet. */
class Inbox {
  readonly #items: InboxItem[] = [];
  #wanted: ((item: InboxItem) => void) | null = null;

  put(item: InboxItem): void {
    if (this.#wanted === null) return void this.#items.push(item);
    this.#wanted(item);
    this.#wanted = null;
  }

  take(): Promise<InboxItem> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => (this.#wanted = resolve));
  }
}

function openSocket(
  { WebSocket: Socket, url, apiKey, channel }: SocketRead,
  inbox: Inbox,
): WebSocket {
  const socket = new Socket(url, "errand.v1");
  socket.addEventListener("open", () => {
    if (apiKey !== null) socket.send(JSON.stringify({ t: "auth", key: apiKey }));
    inbox.put({ kind: "open" });
  });
  socket.addEventListener("message", ({ data }: MessageEvent) => {
    try {
      inbox.put(itemOf(String(data), channel));
    } catch (error) {
      inbox.put({ kind: "lost", failure: failed(error) });
    }
  });
  socket.addEventListener("close", ({ code, reason }) => {
    inbox.put({ kind: "lost", failure: closed(code, reason) });
  });
  return socket;
}

function itemOf(text: string, channel: string): InboxItem {
  const frame = fieldsOf(parseJson(text, "a frame"), "a frame");
  const t = frame.text("t");
  if (t === "err") throw refusalOf(frame);
  if (frame.textOrNull("channel") !== channel) return { kind: "quiet" };
  if (t === "end") return { kind: "ended" };
  // The server has given the channel up: it is had again by coming back behind the cursor.
  if (t === "gap") throw lost(frame.text("message"));
  if (t !== "ev") return { kind: "quiet" };
  const event = fieldsOf(frame.json("event"), "a frame's event");
  return {
    kind: "event",
    name: event.text("type"),
    data: JSON.stringify(event.json("data")),
    id: frame.textOrNull("seq"),
  };
}

function refusalOf(frame: Fields): RequestFailed {
  const code = frame.text("code");
  const fields = frame.list("errors", (item, at) => {
    const error = fieldsOf(item, at);
    return { field: error.text("field"), message: error.text("message") };
  });
  return refused(code, frame.text("message"), fields);
}

const statuses: Readonly<Record<string, number>> = {
  unauthenticated: 401,
  not_found: 404,
  rate_limited: 429,
  internal: 500,
};

function refused(code: string, detail: string, fields: Refusal["fields"] = []): RequestFailed {
  const status = statuses[code] ?? 400;
  const kind = status >= 500 ? "server" : "refused";
  return new RequestFailed({
    kind,
    status,
    code,
    detail,
    retryAfterMs: null,
    fields,
    requestId: null,
  });
}

function closed(code: number, reason: string): RequestFailed {
  if (code === unauthenticatedCode) return refused("unauthenticated", reason);
  return lost(reason === "" ? `the socket was closed (${code})` : reason);
}

function lost(detail: string): RequestFailed {
  return new RequestFailed({ kind: "network", detail });
}

function failed(error: unknown): RequestFailed {
  if (error instanceof RequestFailed) return error;
  const detail = error instanceof Error ? error.message : "an unreadable frame";
  return new RequestFailed({ kind: "confusing", detail }, { cause: error });
}
