import { env } from "cloudflare:workers";

import { Frames, isEndOf, type Frame } from "../hosts/frames.ts";
import worker from "../../src/hosts/edge/worker.ts";
import type { EdgeEnv } from "../../src/hosts/edge/settings.ts";

/** The key of the admin, who is the user `local`, as wrangler.jsonc of this suite has it. */
export const adminKey = "the-admin-of-the-tests";

/** A task as the API shows it; only what tests look at. */
export interface ShownTask {
  readonly id: string;
  readonly status: string;
  readonly attempts: number;
  readonly output?: unknown;
  readonly error: { readonly code: string } | null;
  readonly partial: string | null;
}

/** Speaks to the Worker as a client with a key. */
export class EdgeClient {
  readonly #key: string | null;
  readonly #env: EdgeEnv;

  constructor(key: string | null = adminKey, changes: Partial<EdgeEnv> = {}) {
    this.#key = key;
    this.#env = { ...env, ...changes };
  }

  async fetch(path: string, body?: unknown, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#key !== null) headers.set("authorization", `Bearer ${this.#key}`);
    const text = body === undefined ? null : JSON.stringify(body);
    if (text !== null) {
      headers.set("content-type", "application/json");
      headers.set("content-length", String(new TextEncoder().encode(text).length));
    }
    const method = init.method ?? (text === null ? "GET" : "POST");
    const request = new Request(`http://errand.test${path}`, {
      ...init,
      method,
      headers,
      ...(text === null ? {} : { body: text }),
    });
    return await worker.fetch(request, this.#env);
  }

  /** Opens a WebSocket. Throws, with its status, what is refused. */
  async socket(path: string, headers: Readonly<Record<string, string>> = {}): Promise<EdgeSocket> {
    const init = { headers: { upgrade: "websocket", ...headers } };
    const response = await this.fetch(path, undefined, init);
    const { webSocket } = response;
    if (webSocket === null) throw new Error(`${response.status} ${await response.text()}`);
    return new EdgeSocket(webSocket, response.headers.get("sec-websocket-protocol") ?? "");
  }

  async json<T>(path: string, body?: unknown, init?: RequestInit): Promise<T> {
    const response = await this.fetch(path, body, init);
    const answer = await response.json<T>();
    if (response.ok) return answer;
    throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`);
  }

  async submit(type: string, input: unknown = null, more: object = {}): Promise<string> {
    const { id } = await this.json<{ id: string }>("/api/tasks", { type, input, ...more });
    return id;
  }

  async task(id: string): Promise<ShownTask> {
    return await this.json<ShownTask>(`/api/tasks/${id}`);
  }

  /** The task once it is as wanted. */
  async until(id: string, wanted: (task: ShownTask) => boolean): Promise<ShownTask> {
    return await until(() => this.task(id), wanted);
  }

  async ended(id: string): Promise<ShownTask> {
    return await this.until(id, ({ status }) => ends.includes(status));
  }

  /** What a chat answers to a message. */
  async say(sessionId: string, message: string): Promise<string> {
    const { reply } = await this.json<{ reply: string }>("/api/chat", { sessionId, message });
    return reply;
  }

  /** A client with a key of its own. */
  async userWithKey(user: string): Promise<EdgeClient> {
    const { key } = await this.json<{ key: string }>("/api/admin/keys", { user });
    return new EdgeClient(key);
  }
}

/** An open socket, as a client sees it. */
export class EdgeSocket {
  readonly raw: WebSocket;
  readonly protocol: string;
  /** How it ended. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #frames = new Frames();

  constructor(raw: WebSocket, protocol: string) {
    this.raw = raw;
    this.protocol = protocol;
    this.closed = new Promise((resolve) => {
      raw.addEventListener("close", ({ code, reason }) => {
        this.#frames.over();
        resolve({ code, reason });
      });
    });
    raw.addEventListener("message", ({ data }) => this.#frames.put(String(data)));
    raw.accept();
  }

  send(message: unknown): void {
    this.raw.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Frames up to the first that fits, with it. */
  async until(fits: (frame: Frame) => boolean): Promise<readonly Frame[]> {
    return await this.#frames.until(fits);
  }

  /** Frames to the end of a channel. */
  async rest(channel: string): Promise<readonly Frame[]> {
    return await this.#frames.until(isEndOf(channel));
  }
}

const ends: readonly string[] = ["completed", "failed", "cancelled", "expired"];

/** Looks until what is seen is as wanted, and answers that. A test's own timeout ends what never comes. */
export async function until<T>(look: () => Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- One look after the other.
    const seen = await look();
    if (wanted(seen)) return seen;
    // oxlint-disable-next-line no-await-in-loop
    await breathe();
  }
}

/** Who asks again and again without a break keeps the timers of all objects from firing. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 5));
}
