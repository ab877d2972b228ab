import { isRecord } from "../core/json.ts";
import { isDeadLetter } from "../core/task/dead-letter.ts";
import { isEnd } from "../core/task/status.ts";
import type { TaskState } from "../core/task/state.ts";
import { defineTask, type AnyTaskType, type Engine } from "../engine/index.ts";
import { findingsOf, type AlertSettings, type AlertSight } from "./alert-rules.ts";
import { EndedTasks } from "./ended-tasks.ts";

/**
 * What is told of an alert, and kept: the input of a task of the type `alert`. `lasts` is told to nobody: it stands in
 * for the note that it `fired`, which is removed at the end of its retention.
 */
export interface AlertNote {
  readonly state: "fired" | "lasts" | "cleared";
  readonly rule: string;
  /** Queue or endpoint; "" for the whole server. */
  readonly subject: string;
  readonly message: string;
  /** Of one that lasts: when it fired (ISO 8601). */
  readonly firedAt?: string;
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
/** A note that lasts is written anew when this many have come behind it, so that it is among those read back. */
const notesBehindMax = notesMax / 2;
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
  const { state, rule, subject, message, firedAt } = input;
  if (state !== "fired" && state !== "lasts" && state !== "cleared") return null;
  if (typeof rule !== "string" || typeof subject !== "string" || typeof message !== "string")
    return null;
  return { state, rule, subject, message, ...(typeof firedAt === "string" ? { firedAt } : null) };
}

/** An alert that lasts. */
interface Lasting extends AlertView {
  /** When its newest note was written, and how many notes were before. */
  readonly notedAtMs: number;
  readonly notes: number;
}

/**
 * Looks every few seconds whether there is something to tell. Each alert fires once and clears once: what has fired is
 * known from the log of its task, so a crash does not let it fire again. One that lasts is noted anew when half the
 * retention of tasks is over, so that it is not forgotten with its first task.
 */
export class AlertWatch {
  readonly #engine: Engine;
  readonly #settings: AlertSettings;
  readonly #failed: (error: unknown) => void;
  readonly #firing = new Map<string, Lasting>();
  readonly #cleared: AlertView[] = [];
  readonly #ended = new EndedTasks();
  readonly #stuckSince = new Map<string, number>();
  readonly #downSince = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isStopped = false;
  #notes = 0;
  #stopWatching: () => void = () => undefined;

  constructor(engine: Engine, settings: AlertSettings, failed: (error: unknown) => void) {
    this.#engine = engine;
    this.#settings = settings;
    this.#failed = failed;
  }

  /** Reads what has fired before. To be awaited right after the engine's start: the clean-up may remove it. */
  async recall(): Promise<void> {
    const { reader } = this.#engine;
    const notes = await reader.tasksAll({ userId: null, types: ["alert"], limit: notesMax });
    for (const { input, createdAt } of notes.toReversed()) {
      const note = alertNoteOf(input);
      if (note !== null) this.#keep(note, createdAt);
    }
  }

  /** Looks again and again until it is stopped. */
  start(): void {
    this.#stopWatching = this.#engine.watchTasks((facts, state) => {
      if (facts.some(({ type }) => endFacts.has(type))) this.#count(state);
    });
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
    const lasting = [...this.#firing.values()].toSorted((a, b) => (a.firedAt < b.firedAt ? 1 : -1));
    return [...lasting.map(viewOf), ...this.#cleared];
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
    for (const { rule, subject, message, firedAt, notedAtMs, notes } of this.#firing.values()) {
      const isOld = this.#engine.nowMs() - notedAtMs >= this.#engine.retentionMs / 2;
      if (isOld || this.#notes - notes >= notesBehindMax)
        // oxlint-disable-next-line no-await-in-loop -- rarely one
        await this.#tell({ rule, subject, message, firedAt }, "lasts");
    }
  }

  async #tell(
    { rule, subject, message, firedAt }: Omit<AlertNote, "state">,
    state: AlertNote["state"],
  ): Promise<void> {
    const note: AlertNote = {
      state,
      rule,
      subject,
      message,
      ...(firedAt === undefined ? null : { firedAt }),
    };
    const title = `alert ${state}: ${message}`.slice(0, 200);
    await this.#engine.submit("alert", note, { title });
    this.#keep(note, new Date(this.#engine.nowMs()).toISOString());
  }

  #keep(note: AlertNote, at: string): void {
    const { state, rule, subject, message, firedAt = at } = note;
    const key = keyOf({ rule, subject });
    this.#notes += 1;
    const known = this.#firing.get(key);
    if (state !== "cleared") {
      this.#firing.set(key, {
        rule,
        subject,
        message,
        firedAt,
        clearedAt: null,
        notedAtMs: Date.parse(at),
        notes: this.#notes,
      });
      return;
    }
    this.#firing.delete(key);
    if (known !== undefined) this.#cleared.unshift({ ...viewOf(known), clearedAt: at });
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

function viewOf({ rule, subject, message, firedAt, clearedAt }: Lasting): AlertView {
  return { rule, subject, message, firedAt, clearedAt };
}

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
