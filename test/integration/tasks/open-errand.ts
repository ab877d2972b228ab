/** A real engine with the built-in tasks, on the memory store, sealed, with the ports of Node. */
import { createHash } from "node:crypto";

import { expect } from "vitest";

import { createAesCipher } from "../../../src/adapters/aes-cipher/aes-cipher.ts";
import { createMemoryStore, type MemoryStore } from "../../../src/adapters/memory/memory-store.ts";
import { systemClock } from "../../../src/adapters/node/clock.ts";
import { createSystemRandom } from "../../../src/adapters/node/random.ts";
import { nextTurn } from "../../../src/adapters/node/turn.ts";
import { createTimeoutWaker } from "../../../src/adapters/node/waker.ts";
import { isRecord } from "../../../src/core/json.ts";
import { streamId, textOf } from "../../../src/core/stream/entry.ts";
import type { TaskView } from "../../../src/core/task/view.ts";
import {
  Engine,
  type AnyTaskType,
  type Endpoint,
  type RoleTarget,
} from "../../../src/engine/index.ts";
import type { Clock } from "../../../src/ports/host.ts";
import type { Models } from "../../../src/ports/models.ts";
import { builtInTasks, engineDesk, type Desk } from "../../../src/tasks/index.ts";

/** How an engine is opened. */
export interface OpenOptions {
  readonly store?: MemoryStore;
  /** Absent: no model is connected. */
  readonly models?: Models;
  /** Slots of the model's endpoint. */
  readonly slots?: number;
  /** Models of roles besides `chat`, whose model is "fake-large". */
  readonly roles?: Readonly<Record<string, string>>;
  readonly memoryCharsMax?: number;
  /** Task types besides the built-in ones. */
  readonly tasks?: readonly AnyTaskType[];
  readonly clock?: Clock;
  readonly retentionMs?: number;
  /** Puts something between the tasks and their desk. */
  desk?(desk: Desk): Desk;
}

/** An open engine. */
export interface Opened {
  readonly engine: Engine;
  readonly store: MemoryStore;
  /** What a crash now leaves behind. The engine is stopped afterwards; what it still writes is lost. */
  crash(): Promise<MemoryStore>;
  close(): Promise<void>;
}

const storeKey = new Uint8Array(32).fill(7);

/** Opens an engine; it must be closed or crashed. */
export async function openErrand(options: OpenOptions = {}): Promise<Opened> {
  const store = options.store ?? createMemoryStore();
  const failures: unknown[] = [];
  const own = engineDesk(() => engine);
  const desk = options.desk?.(own) ?? own;
  const { memoryCharsMax, models, clock = systemClock, retentionMs } = options;
  const engine: Engine = new Engine(
    {
      store,
      cipher: createAesCipher({ store, storeKey, keySetting: "the test" }),
      clock,
      random: createSystemRandom(),
      turn: nextTurn,
      log: { info: () => {}, error: (...words) => failures.push(words) },
      waker: (wake) => createTimeoutWaker(systemClock, wake),
      fatal: (error) => failures.push(error),
      sha256: (text) => Promise.resolve(createHash("sha256").update(text).digest("hex")),
    },
    {
      tasks: [
        ...builtInTasks(desk, memoryCharsMax === undefined ? {} : { memoryCharsMax }),
        ...(options.tasks ?? []),
      ],
      ...(retentionMs === undefined ? {} : { retentionMs }),
      ...(models === undefined ? {} : modelSettings(models, options)),
    },
  );
  await engine.start();
  return {
    engine,
    store,
    async crash() {
      const left = store.fork();
      await engine.stop(0);
      return left;
    },
    async close() {
      await engine.stop(0);
      expect(failures).toEqual([]);
    },
  };
}

function modelSettings(
  models: Models,
  { slots = 8, roles = {} }: OpenOptions,
): { endpoints: Endpoint[]; roles: Record<string, RoleTarget> } {
  const endpoint: Endpoint = {
    name: "fake",
    models,
    slots,
    baseUrl: "http://127.0.0.1:9/v1",
    promptTokensPerSecond: 1_000,
    decodeTokensPerSecond: 100,
    idleTimeoutMs: 60_000,
  };
  const all = Object.entries({ chat: "fake-large", ...roles });
  return {
    endpoints: [endpoint],
    roles: Object.fromEntries(all.map(([role, model]) => [role, { endpoint: "fake", model }])),
  };
}

/** Whose chat it is, where a test has more than one. */
export interface Speaker {
  readonly userId?: string;
  readonly chatId?: string;
}

/** Says something in a chat; answers the turn's task at once. */
export async function begin(
  { engine }: Opened,
  text: string,
  speaker: Speaker = {},
): Promise<string> {
  const { userId = "ann", chatId = "chat-1" } = speaker;
  const { taskId } = await engine.sessions.say({ userId, chatId, text });
  return taskId;
}

/** The text a turn's task ends with; it must complete, and its stream and its chat message must say the same. */
export async function reply(opened: Opened, taskId: string): Promise<string> {
  const { engine } = opened;
  const end = await engine.ended(taskId);
  expect(end).toMatchObject({ status: "completed", error: null });
  const text = isRecord(end.output) ? String(end.output["text"]) : "";
  const { view } = await engine.reader.task(taskId, null);
  expect(await streamText(opened, view)).toBe(text);
  if (view.chatId !== null && view.messageId !== null) {
    const parts = await engine.sessions.read(
      view.userId,
      view.chatId,
      (session) => session.messages.get(view.messageId ?? "")?.parts,
    );
    expect(parts).toEqual([{ type: "text", text }]);
  }
  return text;
}

/** Says something in a chat and waits for the answer. */
export async function say(opened: Opened, text: string, speaker: Speaker = {}): Promise<string> {
  return await reply(opened, await begin(opened, text, speaker));
}

/** The text on the stream of a task's last attempt. */
export async function streamText({ engine }: Opened, task: TaskView): Promise<string> {
  return textOf(await engine.kernel.readStream(streamId(task.id, task.attempts), 0, 100_000));
}

/** A user's tasks of a type, oldest first. */
export async function tasksOf(
  { engine }: Opened,
  type: string,
  userId = "ann",
): Promise<readonly TaskView[]> {
  const { tasks } = await engine.reader.tasks({ userId, types: [type], limit: 100 });
  return tasks.toReversed();
}

/** Resolves when a task is as `fits` wants it. */
export async function until(
  { engine }: Opened,
  taskId: string,
  fits: (task: TaskView) => boolean,
): Promise<TaskView> {
  const { promise, resolve } = Promise.withResolvers<TaskView>();
  const look = async (): Promise<void> => {
    const { view } = await engine.reader.task(taskId, null);
    if (fits(view)) resolve(view);
  };
  const stop = engine.kernel.listen({ committed: () => void look() });
  await look();
  const found = await promise;
  stop();
  return found;
}

/** The short id that an answer shows in backticks. */
export function idIn(answer: string): string {
  return /`([0-9a-z]{6,26})`/.exec(answer)?.[1] ?? "";
}
