/** An engine with its doors, in this process: on the memory store, sealed, with task types that tests steer. */
import { createHash } from "node:crypto";

import { expect } from "vitest";

import { createAesCipher } from "../../../src/adapters/aes-cipher/aes-cipher.ts";
import { cronCalendar } from "../../../src/adapters/croner/calendar.ts";
import { createMemoryStore, type MemoryStore } from "../../../src/adapters/memory/memory-store.ts";
import { systemClock } from "../../../src/adapters/node/clock.ts";
import { createSystemRandom } from "../../../src/adapters/node/random.ts";
import { nextTurn } from "../../../src/adapters/node/turn.ts";
import { createTimeoutWaker } from "../../../src/adapters/node/waker.ts";
import { isRecord } from "../../../src/core/json.ts";
import { type Endpoint, Engine, type AnyTaskType } from "../../../src/engine/index.ts";
import type { Calendar } from "../../../src/ports/calendar.ts";
import type { Clock } from "../../../src/ports/host.ts";
import type { ApiKeyRow, ApiKeys } from "../../../src/ports/keys.ts";
import type { Models } from "../../../src/ports/models.ts";
import { createServer, type ErrandServer, type ServerSettings } from "../../../src/server/index.ts";
import { builtInTasks, engineDesk } from "../../../src/tasks/index.ts";
import { steeredTasks, type Steer } from "./steered-tasks.ts";

/** The admin's key of servers with keys. */
export const adminKey: string = "an-admin-key-of-the-tests";

/** How a door is opened. */
export interface DoorOptions {
  readonly store?: MemoryStore;
  readonly models?: Models;
  /** What the models' endpoint has besides. */
  readonly endpoint?: Partial<Endpoint>;
  readonly tasks?: readonly AnyTaskType[];
  readonly queues?: Readonly<Record<string, { readonly slots: number }>>;
  /** Keys are on. */
  readonly auth?: boolean;
  readonly settings?: Partial<ServerSettings>;
  readonly calendar?: Calendar;
  readonly clock?: Clock;
}

/** What a request may have besides its path. */
export interface Ask {
  readonly body?: unknown;
  /** A body as it goes over the wire; wins over `body`. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A JSON answer, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Errand behind its fetch handler. */
export interface Door {
  readonly engine: Engine;
  readonly server: ErrandServer;
  readonly store: MemoryStore;
  readonly steer: Steer;
  /** Errors that were logged: none, unless a test takes them out. */
  readonly errors: unknown[];
  send(method: string, path: string, ask?: Ask): Promise<Response>;
  json(method: string, path: string, ask?: Ask): Promise<Answer>;
  /** Submits a task; it must be accepted. */
  submit(type: string, input?: unknown, more?: Readonly<Record<string, unknown>>): Promise<string>;
  close(): Promise<void>;
}

/** Address of the server in tests without a socket. */
export const origin: string = "http://127.0.0.1:8787";

const storeKey = new Uint8Array(32).fill(7);

/** API keys in memory. */
export function memoryKeys(): ApiKeys & { readonly rows: Map<string, ApiKeyRow> } {
  const rows = new Map<string, ApiKeyRow>();
  return {
    rows,
    add: (row) => Promise.resolve(void rows.set(row.hash, row)),
    find: (hash) => Promise.resolve(rows.get(hash) ?? null),
    list: () => Promise.resolve([...rows.values()]),
    remove(userId, hash) {
      const isHis = rows.get(hash)?.userId === userId;
      if (isHis) rows.delete(hash);
      return Promise.resolve(isHis);
    },
    removeUser(userId) {
      const own = [...rows.values()].filter((row) => row.userId === userId);
      for (const { hash } of own) rows.delete(hash);
      return Promise.resolve(own.length);
    },
  };
}

/** Opens an engine and its doors; close it. */
export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const store = options.store ?? createMemoryStore();
  const errors: unknown[] = [];
  const log = { info: () => {}, error: (...words: unknown[]) => void errors.push(words) };
  const steered = steeredTasks();
  const { models, clock = systemClock } = options;
  const engine: Engine = new Engine(
    {
      store,
      cipher: createAesCipher({ store, storeKey, keySetting: "the test" }),
      clock,
      calendar: options.calendar ?? cronCalendar,
      random: createSystemRandom(),
      turn: nextTurn,
      log,
      waker: (wake) => createTimeoutWaker(clock, wake),
      fatal: (error) => void errors.push(error),
      sha256: (text) => Promise.resolve(createHash("sha256").update(text).digest("hex")),
    },
    {
      tasks: [
        ...builtInTasks(engineDesk(() => engine)),
        ...steered.types,
        ...(options.tasks ?? []),
      ],
      queues: { steered: { slots: 2 }, ...options.queues },
      ...(models === undefined ? {} : withModels(models, options.endpoint)),
    },
  );
  await engine.start();
  const auth = options.auth === true ? { adminKey, keys: memoryKeys() } : null;
  const server = createServer(engine, {
    version: "1.2.3",
    auth,
    hosts: [],
    clock,
    log,
    ...options.settings,
  });
  const send = (method: string, path: string, ask: Ask = {}): Promise<Response> =>
    server.fetch(requestOf(method, path, ask));
  const json = async (method: string, path: string, ask: Ask = {}): Promise<Answer> =>
    await readAnswer(await send(method, path, ask));
  return {
    engine,
    server,
    store,
    steer: steered.steer,
    errors,
    send,
    json,
    async submit(type, input = null, more = {}) {
      const { status, body } = await json("POST", "/api/tasks", { body: { type, input, ...more } });
      expect({ status, body }).toMatchObject({ status: 201 });
      return String(body["id"]);
    },
    async close() {
      server.close();
      steered.steer.releaseAll();
      await engine.stop(0);
      expect(errors).toEqual([]);
    },
  };
}

function withModels(
  models: Models,
  more: Partial<Endpoint> = {},
): Pick<ConstructorParameters<typeof Engine>[1], "endpoints" | "roles"> {
  const endpoint = {
    name: "fake",
    models,
    slots: 8,
    baseUrl: null,
    promptTokensPerSecond: 1_000,
    decodeTokensPerSecond: 100,
    idleTimeoutMs: 60_000,
    ...more,
  };
  return { endpoints: [endpoint], roles: { chat: { endpoint: "fake", model: "fake-large" } } };
}

/** A request as a client would send it. */
export function requestOf(
  method: string,
  path: string,
  { body, raw, key, headers = {}, signal }: Ask = {},
): Request {
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  return new Request(`${origin}${path}`, {
    method,
    headers: {
      ...(sent === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Reads a JSON answer; an empty body is `{}`. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const body: unknown = text === "" ? {} : JSON.parse(text);
  if (!isRecord(body)) throw new TypeError(`not an object: ${text.slice(0, 200)}`);
  return { status: response.status, headers: response.headers, body };
}

/** Makes a user's key on a door with keys. */
export async function keyFor(door: Door, user: string): Promise<string> {
  const { status, body } = await door.json("POST", "/api/admin/keys", {
    body: { user },
    key: adminKey,
  });
  expect(status).toBe(201);
  return String(body["key"]);
}

/** Waits until a task is as `fits` wants it, by listening, not by asking again and again. */
export async function until(
  door: Door,
  taskId: string,
  fits: (task: Readonly<Record<string, unknown>>) => boolean,
): Promise<Readonly<Record<string, unknown>>> {
  const found = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  const look = async (): Promise<void> => {
    const { view } = await door.engine.reader.task(taskId, null);
    if (fits({ ...view })) found.resolve({ ...view });
  };
  const stop = door.engine.kernel.listen({
    committed: () => void look(),
    entries: () => void look(),
  });
  await look();
  const task = await found.promise;
  stop();
  return task;
}
