/*
 * When there is something to tell whoever runs the server. Each rule has a level at which an alert fires and a lower one
 * below which it clears, so that a number that swings around its level does not ring again and again.
 */

/** Names of the rules. */
export type AlertRule =
  | "failure_rate"
  | "queue_depth"
  | "queue_stuck"
  | "endpoint_down"
  | "dead_letters"
  | "late_promises";

/** Levels of the alerts; `null` turns a rule off. Times are milliseconds. */
export interface AlertSettings {
  /** Share of the tasks ended in `windowMs` that failed, 0..1. Default 0.5, of 10 tasks or more. */
  readonly failureShare: number | null;
  readonly failureTasksMin: number;
  readonly windowMs: number;
  /** Calls that wait in one queue. Default 1,000. */
  readonly queueDepth: number | null;
  /** Calls wait in a queue and none runs for this long: nobody works, or it is paused. Default 60,000. */
  readonly stuckMs: number | null;
  /** A model endpoint does not answer for this long. Default 30,000. */
  readonly downMs: number | null;
  /**
   * Tasks whose attempts were used up within the last hour. Default 3: one may be a task with a mistake of its own, which
   * its person is told of anyway; several at once are the server's trouble, long before half of all tasks fail.
   */
  readonly deadLetters: number | null;
  /** Tasks of one queue that wait longer than nine in ten were promised to. Default 5. */
  readonly latePromises: number | null;
  /** How often is looked. Default 5,000. */
  readonly everyMs: number;
}

/** Levels of a server that is not configured. */
export const alertsDefault: AlertSettings = {
  failureShare: 0.5,
  failureTasksMin: 10,
  windowMs: 600_000,
  queueDepth: 1_000,
  stuckMs: 60_000,
  downMs: 30_000,
  deadLetters: 3,
  latePromises: 5,
  everyMs: 5_000,
};

/** What is seen at one look. */
export interface AlertSight {
  readonly nowMs: number;
  /** Tasks that ended in the window, and those of them that failed. */
  readonly ended: number;
  readonly failed: number;
  /** Tasks whose attempts were used up within the last hour. */
  readonly dead: number;
  readonly queues: readonly {
    readonly name: string;
    readonly pending: number;
    readonly late: number;
    /** Since when calls have waited and none has run. */
    readonly stuckSinceMs: number | null;
  }[];
  readonly endpoints: readonly {
    readonly name: string;
    readonly downSinceMs: number | null;
    readonly reason: string;
  }[];
}

/** One thing that is looked at: it `fires` at its level, and an alert that has fired `stays` above the lower one. */
export interface Finding {
  readonly rule: AlertRule;
  /** Queue or endpoint; "" for the whole server. */
  readonly subject: string;
  readonly message: string;
  readonly fires: boolean;
  readonly stays: boolean;
}

/** An alert clears below this share of the level at which it fires. */
const clearsBelow = 0.8;

/** Everything the rules look at. */
export function findingsOf(settings: AlertSettings, sight: AlertSight): readonly Finding[] {
  const { failureShare, failureTasksMin, queueDepth, stuckMs, downMs } = settings;
  const { nowMs, ended, failed, dead, queues, endpoints } = sight;
  const found: (Finding | null)[] = [];
  if (failureShare !== null) {
    const share = ended < failureTasksMin ? 0 : failed / ended;
    const message = `${failed} of the last ${ended} tasks failed`;
    found.push(levelOf("failure_rate", "", share, failureShare, message));
  }
  const letters = `${dead} ${dead === 1 ? "task has" : "tasks have"} used up all attempts within an hour`;
  // It clears when enough of them are an hour old.
  found.push(levelOf("dead_letters", "", dead, settings.deadLetters, letters));
  for (const { name, pending, late, stuckSinceMs } of queues) {
    const depth = `${pending} calls wait in queue ${name}`;
    found.push(levelOf("queue_depth", name, pending, queueDepth, depth));
    const behind = `${late} tasks wait longer in queue ${name} than they were promised`;
    found.push(levelOf("late_promises", name, late, settings.latePromises, behind));
    const stuck = `${depth} and none of them runs: is it paused, or its endpoint down?`;
    found.push(
      lasting("queue_stuck", name, nowMs, { sinceMs: stuckSinceMs, most: stuckMs }, stuck),
    );
  }
  for (const { name, downSinceMs, reason } of endpoints) {
    const message = `model endpoint ${name} does not answer: ${reason}`;
    const since = { sinceMs: downSinceMs, most: downMs };
    found.push(lasting("endpoint_down", name, nowMs, since, message));
  }
  return found.filter((finding) => finding !== null);
}

function levelOf(
  rule: AlertRule,
  subject: string,
  value: number,
  level: number | null,
  message: string,
): Finding | null {
  if (level === null) return null;
  const fires = value > 0 && value >= level;
  return { rule, subject, message, fires, stays: value > 0 && value >= clearsBelow * level };
}

function lasting(
  rule: AlertRule,
  subject: string,
  nowMs: number,
  { sinceMs, most }: { readonly sinceMs: number | null; readonly most: number | null },
  message: string,
): Finding | null {
  if (most === null) return null;
  const fires = sinceMs !== null && nowMs - sinceMs >= most;
  return { rule, subject, message, fires, stays: sinceMs !== null };
}
