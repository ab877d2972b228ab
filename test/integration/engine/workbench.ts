import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { AnyTaskType, Engine, FeedEvent, TaskView } from "../../../src/engine/index.ts";
import type { Cursor } from "../../../src/core/stream/cursor.ts";
import { cursorStart } from "../../../src/core/stream/cursor.ts";
import { isEnd } from "../../../src/core/task/status.ts";
import { readSettings } from "../../../src/hosts/embedded/config.ts";
import { openEmbedded, type Embedded } from "../../../src/hosts/embedded/embedded.ts";
import type { Log } from "../../../src/ports/host.ts";

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
