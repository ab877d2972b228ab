/** What journeys of users are made of, the same on every host. */
import { createSseParser } from "../../src/client/sse.ts";
import type { Frame } from "./frames.ts";

/** Sends a request as the journey's user; `key: null` is somebody else with a key. */
export type Send = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Response>;

/** An open WebSocket. */
export interface JourneySocket {
  readonly protocol: string;
  /** How it ended. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  send(message: unknown): void;
  /** Frames up to the first that fits, with it. Throws if the socket closes before. */
  until(fits: (frame: Frame) => boolean): Promise<readonly Frame[]>;
  close(code: number, reason: string): void;
}

/** Opens a WebSocket; rejects with the status in the message. */
export type OpenSocket = (path: string) => Promise<JourneySocket>;

/** One user of a host. */
export interface Visitor {
  readonly send: Send;
  readonly socket: OpenSocket;
}

/** A user of a host, and another one. */
export interface Travellers {
  readonly own: Visitor;
  readonly other: Visitor;
}

interface Shown {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly attempts: number;
  readonly output?: unknown;
  readonly error: { readonly code: string } | null;
}

const ends: readonly string[] = ["completed", "failed", "cancelled", "expired"];

/** One user on a host, who writes down what they see. */
export class Traveller {
  readonly #send: Send;
  readonly other: Send;
  /** Opens a WebSocket as the journey's user. */
  readonly socket: OpenSocket;
  readonly #socketOfOther: OpenSocket;
  readonly #seen: unknown[] = [];
  readonly #ids = new Map<string, string>();

  constructor({ own, other }: Travellers) {
    this.#send = own.send;
    this.other = other.send;
    this.socket = own.socket;
    this.#socketOfOther = other.socket;
  }

  /** The status that somebody else is refused a WebSocket with; `null` if it opens. */
  async otherSocket(path: string): Promise<string | null> {
    try {
      (await this.#socketOfOther(path)).close(1000, "");
      return null;
    } catch (error) {
      return /\b[45]\d\d\b/.exec(String(error))?.[0] ?? String(error);
    }
  }

  /** Writes something down. */
  note(value: unknown): void {
    this.#seen.push(value);
  }

  /** Asks, and writes the status down; answers the body. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const response = await this.#send(method, path, body, headers);
    const text = await response.text();
    const answer = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    this.note(response.ok ? response.status : [response.status, answer["code"], answer["detail"]]);
    return answer;
  }

  async submit(type: string, input: unknown = null, more: object = {}): Promise<string> {
    const { id } = await this.ask("POST", "/api/tasks", { type, input, ...more });
    return String(id);
  }

  async say(message: string, sessionId = "main"): Promise<void> {
    const { reply } = await this.ask("POST", "/api/chat", { message, sessionId });
    this.note(reply);
  }

  async task(id: string): Promise<Shown> {
    const response = await this.#send("GET", `/api/tasks/${id}`);
    return (await response.json()) as Shown;
  }

  /** Waits until a task is as wanted; a test's timeout ends what never comes. */
  async until(id: string, wanted: (task: Shown) => boolean): Promise<Shown> {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- One look after the other.
      const task = await this.task(id);
      if (wanted(task)) return task;
      // oxlint-disable-next-line no-await-in-loop
      await new Promise<void>((resolve) => void setTimeout(resolve, 5));
    }
  }

  /** Waits for a task's end, and writes it down. */
  async ended(id: string): Promise<void> {
    const task = await this.until(id, ({ status }) => ends.includes(status));
    this.note([task.status, task.attempts, task.output ?? null, task.error?.code ?? null]);
  }

  /** Waits until the lists know that nothing is open: at the edge they are behind by some milliseconds. */
  async settled(): Promise<void> {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- One look after the other.
      const response = await this.#send("GET", "/api/tasks?status=active&limit=1");
      // oxlint-disable-next-line no-await-in-loop
      const { tasks } = (await response.json()) as { tasks: unknown[] };
      if (tasks.length === 0) return;
      // oxlint-disable-next-line no-await-in-loop
      await new Promise<void>((resolve) => void setTimeout(resolve, 5));
    }
  }

  /** The events of a task's feed behind a cursor, as `id name text`. */
  async feed(id: string, after?: string): Promise<{ id: string; name: string; text: string }[]> {
    const headers = after === undefined ? {} : { "last-event-id": after };
    const response = await this.#send("GET", `/api/tasks/${id}/stream`, undefined, headers);
    const items = createSseParser().push(await response.text());
    return items.flatMap((item) => {
      if (item.kind !== "event" || item.name === "up-to-date") return [];
      const { text = "" } = JSON.parse(item.data) as { text?: string };
      return { id: item.id ?? "", name: item.name, text };
    });
  }

  /** All that was seen, and the log of every task, in words that are the same on every host. */
  async story(): Promise<unknown> {
    const response = await this.#send("GET", "/api/tasks?limit=100");
    const { tasks } = (await response.json()) as { tasks: Shown[] };
    const logs: unknown[] = [];
    for (const { id, type } of tasks.toReversed()) {
      // oxlint-disable-next-line no-await-in-loop -- One after the other, in order.
      await this.until(id, ({ status }) => ends.includes(status) || status !== "running");
      // oxlint-disable-next-line no-await-in-loop
      const log = await this.#send("GET", `/api/tasks/${id}/log?limit=1000`);
      // oxlint-disable-next-line no-await-in-loop
      const { events } = (await log.json()) as { events: { type: string; payload: object }[] };
      logs.push({ type, facts: events.map((event) => [event.type, event.payload]) });
    }
    return this.#plain({ seen: this.#seen, logs });
  }

  /** Ids become their order of appearance, times go. */
  #plain(value: unknown): unknown {
    const text = JSON.stringify(value)
      .replaceAll(/"(\w*Ms|createdAt|updatedAt|traceparent)":(?:\d+|"[^"]*")/g, '"$1":"time"')
      .replaceAll(/there are: [^"]*/g, "there are: ...")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "time")
      .replaceAll(/`[0-9a-hjkmnp-tv-z]{4,26}`/g, "`id`")
      .replaceAll(/\b(task|msg|chat|todo|evt|req|call)_[0-9a-z]{26}/g, (id, kind: string) => {
        const known = this.#ids.get(id) ?? `${kind}-${this.#ids.size + 1}`;
        this.#ids.set(id, known);
        return known;
      });
    return JSON.parse(text);
  }
}

/** A journey: what a user does, by a name. */
export type Journey = (user: Traveller) => Promise<void>;
