import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { plainCipher } from "../../../src/adapters/aes-cipher/plain-cipher.ts";
import { languageModel } from "../../../src/adapters/ai-sdk/language-model.ts";
import type { MemoryStore } from "../../../src/adapters/memory/memory-store.ts";
import { systemClock } from "../../../src/adapters/node/clock.ts";
import { createSystemRandom } from "../../../src/adapters/node/random.ts";
import { nextTurn } from "../../../src/adapters/node/turn.ts";
import { createTimeoutWaker } from "../../../src/adapters/node/waker.ts";
import { openaiModels } from "../../../src/adapters/openai/openai-models.ts";
import {
  Engine,
  type AnyTaskType,
  type EngineSettings,
  type FeedEvent,
  type TaskView,
} from "../../../src/engine/index.ts";
import type { Cursor } from "../../../src/core/stream/cursor.ts";
import { cursorStart } from "../../../src/core/stream/cursor.ts";
import { isEnd } from "../../../src/core/task/status.ts";
import { readSettings } from "../../../src/hosts/embedded/config.ts";
import { openEmbedded, type Embedded } from "../../../src/hosts/embedded/embedded.ts";
import type { Clock, Log } from "../../../src/ports/host.ts";

/** A log that tests can read: errors are kept, the rest is dropped. */
export function quietLog(): Log & { readonly errors: string[] } {
  const errors: string[] = [];
  return {
    errors,
    info: () => undefined,
    error: (message, cause) => void errors.push(`${message}: ${String(cause)}`),
  };
}

/** A data folder of its own, removed by `remove`. */
export function dataFolder(): { readonly dir: string; readonly remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), "errand-test-"));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Errand over a data folder, with a fake model's address if there is one. */
export async function openIn(
  dir: string,
  options: {
    readonly tasks?: readonly AnyTaskType[];
    readonly modelUrl?: string;
    readonly slots?: number;
    readonly idleTimeoutMs?: number;
    readonly resumes?: "prefill" | "continue" | null;
  } = {},
): Promise<Embedded> {
  const settings = await readSettings({ ERRAND_DATA_DIR: dir }, dir);
  const endpoints =
    options.modelUrl === undefined
      ? []
      : [
          {
            name: "fake",
            baseUrl: options.modelUrl,
            slots: options.slots ?? 1,
            idleTimeoutMs: options.idleTimeoutMs ?? 10_000,
            ...(options.resumes === undefined ? {} : { resumes: options.resumes }),
          },
        ];
  return await openEmbedded(
    { ...settings, config: { tasks: options.tasks ?? [], endpoints } },
    {
      log: quietLog(),
      fatal: (error) => {
        throw error;
      },
    },
  );
}

/** An engine over a store. A crash is: nobody asks the old engine again, and a new one opens a copy of its store. */
export async function engineOn(
  store: MemoryStore,
  tasks: readonly AnyTaskType[],
  baseUrl?: string,
  settings: Partial<EngineSettings> = {},
  clock: Clock = systemClock,
): Promise<Engine> {
  const endpoint = {
    name: "fake",
    models: openaiModels({ baseUrl: baseUrl ?? "http://127.0.0.1:9/v1" }),
    slots: 1,
    baseUrl: null,
    promptTokensPerSecond: 500,
    decodeTokensPerSecond: 30,
    idleTimeoutMs: 5_000,
  };
  const engine = new Engine(
    {
      store,
      cipher: plainCipher,
      clock,
      random: createSystemRandom(),
      turn: nextTurn,
      log: quietLog(),
      waker: (wake) => createTimeoutWaker(clock, wake),
      languageModel: (modelId, run) =>
        languageModel(({ model: _model, ...call }, options) => run(call, options), { modelId }),
      fatal: (error) => {
        throw error;
      },
      sha256: (text) => Promise.resolve(createHash("sha256").update(text).digest("hex")),
    },
    {
      tasks,
      endpoints: [endpoint],
      roles: { chat: { endpoint: "fake", model: "fake" } },
      ...settings,
    },
  );
  await engine.start();
  return engine;
}

/** Follows a task until `enough` says so or it ends; answers everything it was told. */
export function followThrough(
  engine: Engine,
  taskId: string,
  enough: (events: readonly FeedEvent[]) => boolean,
  after: Cursor = cursorStart,
): Promise<readonly FeedEvent[]> {
  const events: FeedEvent[] = [];
  return new Promise((resolve, reject) => {
    const stop = engine.feeds.follow(taskId, after, {
      push(batch) {
        events.push(...batch);
        if (!enough(events)) return;
        stop();
        resolve(events);
      },
      upToDate: () => undefined,
      end(reason) {
        if (reason === "ended") resolve(events);
        else reject(new Error(`the feed ended: ${reason}`));
      },
    });
  });
}

/** Like {@link followThrough}, on an open data folder. */
export function followUntil(
  embedded: Embedded,
  taskId: string,
  enough: (events: readonly FeedEvent[]) => boolean,
  after?: Cursor,
): Promise<readonly FeedEvent[]> {
  return followThrough(embedded.engine, taskId, enough, after);
}

/** Everything a feed says of a task, to its end. */
export function followToEnd(
  embedded: Embedded,
  taskId: string,
  after?: Cursor,
): Promise<readonly FeedEvent[]> {
  return followUntil(embedded, taskId, (events) => events.at(-1)?.kind === "end", after);
}

/** Text a reader has assembled, with resets honoured. */
export function textOfFeed(events: readonly FeedEvent[]): string {
  let text = "";
  for (const event of events) {
    if (event.kind === "token") text = text.slice(0, event.offset) + event.text;
    else if (event.kind === "reset") text = text.slice(0, event.offset);
  }
  return text;
}

/** A task as it stands. */
export async function viewOf(embedded: Embedded, taskId: string): Promise<TaskView> {
  return (await embedded.engine.reader.task(taskId, null)).view;
}

/** True if the view has ended. */
export function hasEnded(view: TaskView): boolean {
  return isEnd(view.status);
}
