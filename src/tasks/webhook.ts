import { isRecord } from "../core/json.ts";
import { alertNoteOf } from "./alerts.ts";
import {
  defineTask,
  type AnyTaskType,
  type Engine,
  type Schema,
  type TaskView,
} from "../engine/index.ts";

/** What a receiver is sent: an event of OpenAI's shape. */
export interface WebhookEvent {
  /** Stable: the same end of the same task is the same event. */
  readonly id: string;
  readonly object: "event";
  /** `response.completed` and the like for responses, `task.completed` and the like for other tasks. */
  readonly type: string;
  /** Seconds since the epoch. */
  readonly created_at: number;
  readonly data: {
    readonly id: string;
    /** Of alerts: which rule, about which queue or endpoint, and in words. */
    readonly rule?: string;
    readonly subject?: string;
    readonly message?: string;
  };
}

/** Delivers to a configured receiver, by its name; answers its status. */
export type DeliverWebhook = (
  target: string,
  delivery: { readonly id: string; readonly body: string; readonly signal: AbortSignal },
) => Promise<number>;

interface WebhookInput {
  readonly target: string;
  readonly event: WebhookEvent;
}

const input: Schema<WebhookInput> = {
  "~standard": {
    validate: (value) =>
      isInput(value)
        ? { value }
        : { issues: [{ path: [], message: "must be {target, event}; the server makes it" }] },
  },
};

function isInput(value: unknown): value is WebhookInput {
  return (
    isRecord(value) &&
    typeof value["target"] === "string" &&
    isRecord(value["event"]) &&
    typeof value["event"]["id"] === "string"
  );
}

/** Eleven waits of 5 s to 6 h: about a day in all, as Standard Webhooks asks for. */
const retry = {
  attemptsMax: 12,
  minDelayMs: 5_000,
  maxDelayMs: 21_600_000,
  factor: 3,
  jitter: 0.2,
};

const goneStatus = 410;

/** Names in the register: what was configured when, and what is gone. */
const sinceName = (target: string): string => `webhook-since:${target}`;
const goneName = (target: string): string => `webhook-gone:${target}`;

/** Writes down for good that a receiver has said 410. */
export async function forgetReceiver(engine: Engine, target: string): Promise<void> {
  await engine.register.first(goneName(target), new Date(engine.nowMs()).toISOString());
}

/**
 * One delivery of one event to one receiver. Any answer but 2xx and 410 is tried again; `gone` is told of a 410 and
 * writes it down before the delivery ends.
 */
export function webhookTask(
  deliver: DeliverWebhook,
  gone: (target: string) => Promise<void>,
): AnyTaskType {
  return defineTask(
    "webhook",
    { queue: "webhooks", input, priority: "background", retry, internal: true },
    async ({ target, event }, ctx) => {
      const body = JSON.stringify(event);
      const status = await deliver(target, { id: event.id, body, signal: ctx.signal });
      if (status === goneStatus) {
        await gone(target);
        return { status, disabled: true };
      }
      if (status >= 200 && status < 300) return { status, disabled: false };
      throw new Error(`the receiver answered ${status}`);
    },
  );
}

/** Deliveries that are looked at to know which receivers said that they are gone. */
const deliveriesMax = 200;
/** Tasks that are looked at for an end that came without its event because the process died, of each class. */
const endsMax = 1_000;
/** Ends this long before the newest delivery are looked at again. */
const overlapMs = 60_000;

/**
 * Submits a delivery to each receiver for each end of a task, until the answer of `stop` is called. A receiver that said
 * 410 gets nothing more until it is configured under another name. After a crash, ends behind the newest delivery are
 * looked at again; an event that was submitted before is not submitted twice.
 */
export async function watchWebhooks(
  engine: Engine,
  targets: readonly string[],
  failed: (error: unknown) => void,
): Promise<() => void> {
  const disabled = new Set(
    targets.filter((target) => engine.register.read(goneName(target)) !== null),
  );
  const sinceMs = await toldSince(engine, targets);
  const send = async (view: TaskView): Promise<void> => {
    const event = eventOf(view);
    if (event === null) return;
    for (const target of targets.filter((name) => !disabled.has(name)))
      // oxlint-disable-next-line no-await-in-loop -- a handful of receivers, each of which may be refused
      await engine.submit(
        "webhook",
        { target, event },
        { userId: view.userId, idempotencyKey: `webhook:${target}:${event.id}` },
      );
  };
  const saw = (view: TaskView): void => {
    if (view.type === "webhook") {
      const { input: given, output } = view;
      if (isInput(given) && isRecord(output) && output["disabled"] === true)
        disabled.add(given.target);
    } else send(view).catch(failed);
  };
  const stop = engine.watchTasks((facts, state) => {
    if (!facts.some(({ type }) => endFacts.has(type))) return;
    engine.reader.view(state.id, null).then(saw, failed);
  });
  const { tasks: deliveries } = await engine.reader.tasks({
    userId: null,
    types: ["webhook"],
    limit: deliveriesMax,
  });
  for (const view of deliveries.toReversed()) saw(view);
  const [newest] = deliveries;
  const fromMs = newest === undefined ? sinceMs : Date.parse(newest.createdAt) - overlapMs;
  for (const statusClass of ["completed", "failed"] as const) {
    // oxlint-disable-next-line no-await-in-loop -- two lists
    const tasks = await engine.reader.tasksAll({ userId: null, statusClass, limit: endsMax });
    for (const view of tasks)
      if (view.completedAt !== null && Date.parse(view.completedAt) >= fromMs) saw(view);
  }
  return stop;
}

/** Since when there are receivers: ends before are nobody's news. Written down at the first start with a receiver. */
async function toldSince(engine: Engine, targets: readonly string[]): Promise<number> {
  const now = String(engine.nowMs());
  const times = await Promise.all(
    targets.map(async (target) => Number(await engine.register.first(sinceName(target), now))),
  );
  return Math.min(...times);
}

const endFacts: ReadonlySet<string> = new Set([
  "task.completed",
  "task.failed",
  "task.cancelled",
  "task.expired",
]);

/** The event of a task's end; null for a part of another task, a delivery itself, and an alert that only lasts. */
function eventOf(view: TaskView): WebhookEvent | null {
  const { id, type, status, parentId, completedAt, output } = view;
  if (completedAt === null || parentId !== null || type === "webhook") return null;
  const tail = id.slice("task_".length);
  const isResponse = type === "response";
  const finish = isRecord(output) ? output["finish"] : undefined;
  const isCut = status === "completed" && (finish === "length" || finish === "filter");
  const word = isResponse
    ? isCut
      ? "incomplete"
      : status === "expired"
        ? "failed"
        : status
    : status;
  const endedMs = Date.parse(completedAt);
  const note = type === "alert" ? alertNoteOf(view.input) : null;
  if (note?.state === "lasts") return null;
  return {
    // A task that is opened again has another end, at another time.
    id: `evt_${tail}_${endedMs.toString(36)}`,
    object: "event",
    type: note === null ? `${isResponse ? "response" : "task"}.${word}` : `alert.${note.state}`,
    created_at: Math.floor(endedMs / 1_000),
    data: {
      id: isResponse ? `resp_${tail}` : id,
      ...(note === null ? null : { rule: note.rule, subject: note.subject, message: note.message }),
    },
  };
}
