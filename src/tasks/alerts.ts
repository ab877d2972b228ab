import { isRecord } from "../core/json.ts";
import { isDeadLetter } from "../core/task/dead-letter.ts";
import { isEnd } from "../core/task/status.ts";
import type { TaskState } from "../core/task/state.ts";
import { defineTask, type AnyTaskType, type Engine } from "../engine/index.ts";
import { findingsOf, type AlertSettings, type AlertSight } from "./alert-rules.ts";
import { EndedTasks } from "./ended-tasks.ts";

/** What is told of an alert, and kept: the input of a task of the type `alert`. */
export interface AlertNote {
  readonly state: "fired" | "cleared";
  readonly rule: string;
  /** Queue or endpoint; "" for the whole server. */
  readonly subject: string;
  readonly message: string;
}

/** An alert as it is shown. Times are ISO 8601; `clearedAt` is null while it lasts. */
export interface AlertView {
  readonly rule: string;
  readonly subject: string;
  readonly message: string;
  readonly firedAt: string;
  readonly clearedAt: string | null;
}

/** Alerts that are shown after they have cleared. */
const clearedMax = 50;
/** Notes that are read back at a start. */
const notesMax = 500;
/** Tasks of a class that are read back at a start, to know how tasks ended lately. */
const endedMax = 500;
const hourMs = 3_600_000;

/** One alert that has fired or cleared: a task, so that it is durable, listed, and told by the webhooks. */
export const alertTask: AnyTaskType = defineTask<AlertNote, AlertNote>(
  "alert",
  { queue: "alerts", priority: "interactive", internal: true },
  (note) => note,
);

/** Reads an alert's note from a task's input; null for anything else. */
export function alertNoteOf(input: unknown): AlertNote | null {
  if (!isRecord(input)) return null;
  const { state, rule, subject, message } = input;
  const isNote = (state === "fired" || state === "cleared") && typeof rule === "string";
  if (!isNote || typeof subject !== "string" || typeof message !== "string") return null;
  return { state, rule, subject, message };
}

/**
 * Looks every few seconds whether there is something to tell. Each alert fires once and clears once: what has fired is
 * known from the log of its task, so a crash does not let it fire again (within the retention of tasks).
 */
export class AlertWatch {
  readonly #engine: Engine;
  readonly #settings: AlertSettings;
  readonly #failed: (error: unknown) => void;
  readonly #firing = new Map<string, AlertView>();
  readonly #cleared: AlertView[] = [];
  readonly #ended = new EndedTasks();
  readonly #stuckSince = new Map<string, number>();
  readonly #downSince = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isStopped = false;
  #stopWatching: () => void = () => undefined;

  constructor(engine: Engine, settings: AlertSettings, failed: (error: unknown) => void) {
    this.#engine = engine;
    this.#settings = settings;
    this.#failed = failed;
  }

  /** Reads what has fired before, then looks again and again until it is stopped. */
  async start(): Promise<void> {
    const { reader } = this.#engine;
    this.#stopWatching = this.#engine.watchTasks((facts, state) => {
      if (facts.some(({ type }) => endFacts.has(type))) this.#count(state);
    });
    const notes = await reader.tasksAll({ userId: null, types: ["alert"], limit: notesMax });
    for (const { input, createdAt } of notes.toReversed()) {
      const note = alertNoteOf(input);
      if (note !== null) this.#keep(note, createdAt);
    }
    void this.#countStored()
      .catch(this.#failed)
      .finally(() => this.#next());
  }

  /** Looks no more. */
  stop(): void {
    this.#isStopped = true;
    this.#stopWatching();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Alerts that last, then those that have cleared, the newest first. */
  get alerts(): readonly AlertView[] {
    const lasting = [...this.#firing.values()].sort((a, b) => (a.firedAt < b.firedAt ? 1 : -1));
    return [...lasting, ...this.#cleared];
  }

  /** Ends of the last hour, as the tasks say that ended before this process. */
  async #countStored(): Promise<void> {
    const engine = this.#engine;
    const { reader } = engine;
    const fromMs = this.#engine.nowMs() - hourMs;
    for (const statusClass of ["completed", "failed"] as const) {
      // oxlint-disable-next-line no-await-in-loop -- two pages
      const { tasks } = await reader.tasks({ userId: null, statusClass, limit: endedMax });
      for (const { id, completedAt } of tasks)
        if (completedAt !== null && Date.parse(completedAt) >= fromMs)
          // oxlint-disable-next-line no-await-in-loop -- each is read from the disk, which answers one at a time
          this.#count(await engine.taskState(id));
    }
  }

  #count(state: TaskState): void {
    const { spec, status, endedAtMs } = state;
    if (spec === null || spec.parentId !== undefined || !isEnd(status)) return;
    if (status === "cancelled" || spec.type === "alert" || spec.type === "webhook") return;
    const failed = status !== "completed";
    this.#ended.add(endedAtMs ?? this.#engine.nowMs(), { failed, dead: isDeadLetter(state) });
  }

  #next(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#look()
        .catch((error: unknown) => void (this.#isStopped || this.#failed(error)))
        .finally(() => this.#next());
    }, this.#settings.everyMs);
  }

  async #look(): Promise<void> {
    const found = findingsOf(this.#settings, await this.#sight());
    const seen = new Set<string>();
    for (const finding of found) {
      const key = keyOf(finding);
      seen.add(key);
      const isFiring = this.#firing.has(key);
      // oxlint-disable-next-line no-await-in-loop -- rarely more than one, and told in order
      if (!isFiring && finding.fires) await this.#tell(finding, "fired");
      // oxlint-disable-next-line no-await-in-loop -- as above
      else if (isFiring && !finding.stays) await this.#tell(finding, "cleared");
    }
    for (const [key, { rule, subject, message }] of this.#firing)
      if (!seen.has(key))
        // oxlint-disable-next-line no-await-in-loop -- its rule was turned off, or its subject is gone
        await this.#tell({ rule, subject, message }, "cleared");
  }

  async #tell(
    { rule, subject, message }: Omit<AlertNote, "state">,
    state: AlertNote["state"],
  ): Promise<void> {
    const note: AlertNote = { state, rule, subject, message };
    const title = `alert ${state}: ${message}`.slice(0, 200);
    await this.#engine.submit("alert", note, { title });
    this.#keep(note, new Date(this.#engine.nowMs()).toISOString());
  }

  #keep({ state, rule, subject, message }: AlertNote, at: string): void {
    const key = keyOf({ rule, subject });
    if (state === "fired") {
      this.#firing.set(key, { rule, subject, message, firedAt: at, clearedAt: null });
      return;
    }
    const fired = this.#firing.get(key);
    this.#firing.delete(key);
    if (fired !== undefined) this.#cleared.unshift({ ...fired, clearedAt: at });
    this.#cleared.length = Math.min(this.#cleared.length, clearedMax);
  }

  async #sight(): Promise<AlertSight> {
    const { reader, roles } = this.#engine;
    const nowMs = this.#engine.nowMs();
    const queues = (await reader.queues()).map(({ name, pending, running, late }) => ({
      name,
      pending,
      late,
      stuckSinceMs: since(this.#stuckSince, name, pending > 0 && running === 0, nowMs),
    }));
    const endpoints = roles.endpoints.map(({ name }) => {
      const trouble = roles.trouble(name);
      const downSinceMs = since(this.#downSince, name, trouble !== null, nowMs);
      return { name, downSinceMs, reason: trouble ?? "it answers" };
    });
    const { ended, failed } = this.#ended.since(nowMs, this.#settings.windowMs);
    const { dead } = this.#ended.since(nowMs, hourMs);
    return { nowMs, ended, failed, dead, queues, endpoints };
  }
}

const endFacts: ReadonlySet<string> = new Set([
  "task.completed",
  "task.failed",
  "task.cancelled",
  "task.expired",
]);

function keyOf({ rule, subject }: { readonly rule: string; readonly subject: string }): string {
  return `${rule}:${subject}`;
}

/** Since when something is so; forgets it when it is not. */
function since(
  known: Map<string, number>,
  name: string,
  isSo: boolean,
  nowMs: number,
): number | null {
  if (!isSo) {
    known.delete(name);
    return null;
  }
  const sinceMs = known.get(name) ?? nowMs;
  known.set(name, sinceMs);
  return sinceMs;
}
