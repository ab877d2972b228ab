import { decodeTask } from "./decode.ts";
import type { Http } from "./http.ts";
import { fieldsOf, textAt, type Fields } from "./shape.ts";
import type { Task } from "./wire.ts";

/** A reminder. Times are ISO 8601. */
export interface Reminder {
  readonly id: string;
  readonly text: string;
  /** Cron fields of one that comes again and again. */
  readonly cron: string | null;
  readonly timeZone: string;
  readonly sessionId: string;
  /** When it comes; null if it has come. */
  readonly nextAt: string | null;
  /** `missed`: the server was down at its time. */
  readonly last: { readonly dueAt: string; readonly at: string; readonly missed: boolean } | null;
}

/** One fact of a reminder from the feed; `reminder.rang` says that it has come. */
export interface ReminderChange {
  readonly fact: string;
  readonly seq: number;
  readonly reminderId: string;
  readonly reminder: Reminder | null;
}

/** A reminder to set: `at` (ISO 8601) or `cron`. */
export interface NewReminder {
  readonly text: string;
  readonly at?: string;
  readonly cron?: string;
  readonly timeZone?: string;
  readonly sessionId?: string;
}

/** A plan of a day. */
export interface DayPlan {
  readonly day: string;
  readonly timeZone: string;
  readonly text: string;
  readonly todoIds: readonly string[];
  readonly by: "model" | "rules";
}

/** What can be done with reminders, plans and summaries. Every call throws `RequestFailed`. */
export interface PlannerApi {
  reminders(signal?: AbortSignal): Promise<readonly Reminder[]>;
  remind(reminder: NewReminder, actionId?: string): Promise<Reminder>;
  /** `until`: ISO 8601. */
  snooze(reminderId: string, until: string): Promise<Reminder>;
  removeReminder(reminderId: string): Promise<void>;
  /** The last plan of a day; null if none was made. */
  plan(signal?: AbortSignal): Promise<DayPlan | null>;
  /** Plans the day: a task. */
  makePlan(): Promise<Task>;
  /** Looks for todos in a session: a task that proposes them. */
  extract(sessionId: string): Promise<Task>;
  /** The stored summary of a session; null if none was made. */
  summary(sessionId: string): Promise<string | null>;
  /** Sums a session up: a task. */
  makeSummary(sessionId: string): Promise<Task>;
  /** The time zone that the server takes for the person's. */
  timeZone(): Promise<string>;
  setTimeZone(timeZone: string): Promise<void>;
}

/** Builds these calls on a caller. */
export function createPlannerApi(http: Http): PlannerApi {
  const submit = (path: string, body: object): Promise<Task> =>
    http.json(path, (value) => decodeTask(value), { method: "POST", body });
  return {
    reminders: (signal) =>
      http.json(
        "/api/reminders",
        (value) => fieldsOf(value, "reminders").object("state").list("reminders", decodeReminder),
        { signal },
      ),
    remind: (reminder, actionId) =>
      http.json("/api/reminders", (value) => decodeReminder(value), {
        method: "POST",
        body: actionId === undefined ? reminder : { ...reminder, client_action_id: actionId },
      }),
    snooze: (reminderId, until) =>
      http.json(`${pathOf(reminderId)}/snooze`, (value) => decodeReminder(value), {
        method: "POST",
        body: { until },
      }),
    async removeReminder(reminderId) {
      await http.send(pathOf(reminderId), { method: "DELETE" });
    },
    plan: (signal) => http.json("/api/plan", decodePlan, { signal }),
    makePlan: () => submit("/api/plan", { tell: false }),
    extract: (sessionId) => submit("/api/todos/extract", { sessionId }),
    summary: (sessionId) =>
      http.json(
        "/api/summary",
        (value) =>
          fieldsOf(value, "summary").object("state").objectOrNull("summary")?.text("text") ?? null,
        { query: { sessionId } },
      ),
    makeSummary: (sessionId) => submit("/api/summary", { sessionId }),
    timeZone: () =>
      http.json("/api/profile", (value) => fieldsOf(value, "profile").text("timeZone")),
    async setTimeZone(timeZone) {
      await http.send("/api/profile", { method: "POST", body: { timeZone } });
    },
  };
}

function pathOf(reminderId: string): string {
  return `/api/reminders/${encodeURIComponent(reminderId)}`;
}

function decodePlan(value: unknown): DayPlan | null {
  const plan = fieldsOf(value, "plan").object("state").objectOrNull("plan");
  if (plan === null) return null;
  return {
    day: plan.text("day"),
    timeZone: plan.text("timeZone"),
    text: plan.text("text"),
    todoIds: plan.list("todoIds", textAt),
    by: plan.oneOf("by", ["model", "rules"]),
  };
}

/** Reads a reminder. */
export function decodeReminder(value: unknown, at = "reminder"): Reminder {
  const f = fieldsOf(value, at);
  const last = f.objectOrNull("last");
  return {
    id: f.text("id"),
    text: f.text("text"),
    cron: f.textOrNull("cron"),
    timeZone: f.text("timeZone"),
    sessionId: f.text("sessionId"),
    nextAt: f.textOrNull("nextAt"),
    last:
      last === null
        ? null
        : { dueAt: last.text("dueAt"), at: last.text("at"), missed: last.flag("missed") },
  };
}

/** Reads one fact of a reminder from a feed. */
export function decodeReminderChange(f: Fields): ReminderChange {
  const reminder = f.json("reminder");
  return {
    fact: f.text("type"),
    seq: f.number("seq"),
    reminderId: f.text("reminderId"),
    reminder: reminder === null ? null : decodeReminder(reminder, "reminder.reminder"),
  };
}
