import { ErrandError } from "../../core/errors.ts";
import { isRecord } from "../../core/json.ts";
import {
  closeCodes,
  errorFrame,
  limitsDefault,
  readFrame,
  refuseForeign,
  socketProtocol,
  type Identifier,
  type Identity,
} from "../../server/index.ts";

/** The first message, with the key, has to come within this time. */
const authMs = 10_000;

/** What a socket without a key in its request needs. */
export interface KeySocketPorts {
  readonly identifier: Identifier;
  /** Opens the same socket in the home of who has shown a key. */
  open(who: Identity, request: Request): Promise<Response>;
}

/** True for a request of a WebSocket whose key is to come in its first message: a browser cannot send it with it. */
export function awaitsKey({ headers }: Request, path: string): boolean {
  return (
    path === "/ws/tasks" &&
    headers.get("upgrade")?.toLowerCase() === "websocket" &&
    !headers.has("authorization") &&
    !headers.has("x-api-key")
  );
}

/**
 * Opens a socket that nobody owns yet. Which object it belongs to is only known with its key, so the Worker holds it and
 * passes on what is said, in both directions, as soon as a good key was shown. Throws `forbidden` for other pages.
 */
export function keySocket(request: Request, url: URL, ports: KeySocketPorts): Response {
  refuseForeign(request, url, { hosts: null, origins: [] });
  const pair = new WebSocketPair();
  const [client, own] = [pair[0], pair[1]];
  own.accept();
  new WaitingSocket(own, request, ports).begin();
  const offered = request.headers.get("sec-websocket-protocol") ?? "";
  const headers = new Headers();
  if (offered.split(",").some((name) => name.trim() === socketProtocol))
    headers.set("sec-websocket-protocol", socketProtocol);
  return new Response(null, { status: 101, webSocket: client, headers });
}

class WaitingSocket {
  readonly #own: WebSocket;
  readonly #request: Request;
  readonly #ports: KeySocketPorts;
  #inner: WebSocket | null = null;
  #isAsking = false;
  #isOver = false;

  constructor(own: WebSocket, request: Request, ports: KeySocketPorts) {
    this.#own = own;
    this.#request = request;
    this.#ports = ports;
  }

  begin(): void {
    const timer = setTimeout(() => {
      if (!this.#isAsking)
        this.#close(closeCodes.unauthenticated, "no key came: the first message must be auth");
    }, authMs);
    this.#own.addEventListener("message", ({ data }) => this.#received(data));
    this.#own.addEventListener("close", ({ code, reason }) => {
      clearTimeout(timer);
      this.#isOver = true;
      if (this.#inner !== null) closeQuietly(this.#inner, code, reason);
      // A close is answered with a close.
      closeQuietly(this.#own, code, reason);
    });
  }

  #received(data: string | ArrayBuffer): void {
    if (this.#inner !== null) return this.#inner.send(data);
    if (typeof data !== "string")
      return this.#close(closeCodes.unsupported, "messages are JSON in text, not binary");
    if (data.length > limitsDefault.socketMessageBytes)
      return this.#close(closeCodes.tooBig, "the message is too big");
    if (this.#isAsking) return this.#close(closeCodes.policy, "wait until the key was looked at");
    this.#isAsking = true;
    this.#enter(data).catch((error: unknown) => {
      const known =
        error instanceof ErrandError
          ? error
          : new ErrandError("internal", "Errand has a bug here", { cause: error });
      if (known.code === "internal") console.error("a socket could not be opened", error);
      if (!this.#isOver) this.#own.send(errorFrame(null, known.toData()));
      this.#close(closeCodes.unauthenticated, "no good key was shown");
    });
  }

  async #enter(text: string): Promise<void> {
    const frame = readFrame(text);
    if (frame.t !== "auth")
      throw new ErrandError("unauthenticated", 'the first message must be {"t":"auth","key":KEY}');
    const headers = new Headers({ "x-api-key": frame.key });
    const who = await this.#ports.identifier.identify(headers);
    headers.set("upgrade", "websocket");
    const inner = new Request(this.#request.url, { headers });
    const response = await this.#ports.open(who, inner);
    const { webSocket } = response;
    if (webSocket === null) return await this.#refuse(response);
    if (this.#isOver) return closeQuietly(webSocket, 1000, "");
    this.#inner = webSocket;
    webSocket.addEventListener("message", ({ data }) => this.#own.send(data));
    webSocket.addEventListener("close", ({ code, reason }) => this.#close(code, reason));
    webSocket.accept();
  }

  /** What a request with its key would have been answered. */
  async #refuse(response: Response): Promise<void> {
    const { status } = response;
    const problem: unknown = await response.json();
    const detail = isRecord(problem) ? problem["detail"] : undefined;
    const code = status === 404 ? "not_found" : status === 429 ? "rate_limited" : "invalid_request";
    const error = new ErrandError(code, typeof detail === "string" ? detail : `status ${status}`);
    const taskId = new URL(this.#request.url).searchParams.get("taskId");
    this.#own.send(errorFrame(taskId === null ? null : `task/${taskId}`, error.toData()));
    this.#close(closeCodes.policy, error.message.slice(0, 120));
  }

  #close(code: number, reason: string): void {
    this.#isOver = true;
    closeQuietly(this.#own, code, reason);
  }
}

/** 1005 and 1006 stand for no code at all, and cannot be said. */
function closeQuietly(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code === 1005 || code === 1006 ? 1000 : code, reason);
  } catch {
    // It is closed already.
  }
}
