import { decodeTask } from "./decode.ts";
import type { Http } from "./http.ts";
import { fieldsOf, textAt } from "./shape.ts";
import type { Priority, Task } from "./wire.ts";
import type { Json } from "../core/json.ts";

/** What becomes of ticks that came while the server was down. */
export type MissedTicks = "skip" | "once" | "all";

/** A schedule to make, or to put in the place of the one of that name. */
export interface NewSchedule {
  readonly name: string;
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name; default: the server's zone. */
  readonly timeZone?: string;
  readonly type: string;
  readonly input: unknown;
  readonly priority?: Priority;
  readonly title?: string;
  readonly missed?: MissedTicks;
}

/** A schedule as the server has it. Times are ISO 8601. */
export interface Schedule {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly type: string;
  readonly input: Json;
  readonly missed: MissedTicks;
  readonly paused: boolean;
  /** None while it is paused. */
  readonly nextRuns: readonly string[];
  readonly last: {
    readonly taskId: string;
    readonly at: string;
    /** How the run stands; null once its task is gone. */
    readonly status: string | null;
    readonly error: string | null;
  } | null;
}

/** What can be done with schedules. Every call throws `RequestFailed`. */
export interface ScheduleApi {
  list(signal?: AbortSignal): Promise<readonly Schedule[]>;
  /** Durable when it answers. */
  set(schedule: NewSchedule): Promise<Schedule>;
  remove(name: string): Promise<void>;
  /** Submits a run now. */
  run(name: string): Promise<Task>;
  pause(name: string): Promise<Schedule>;
  resume(name: string): Promise<Schedule>;
}

/** Builds the schedule calls on a caller. */
export function createScheduleApi(http: Http): ScheduleApi {
  const change = (name: string, verb: string): Promise<Schedule> =>
    http.json(pathOf(name, `/${verb}`), (value) => decodeSchedule(value), { method: "POST" });
  return {
    list: (signal) =>
      http.json(
        "/api/schedules",
        (value) => fieldsOf(value, "schedules").list("schedules", decodeSchedule),
        { signal },
      ),
    set: (schedule) =>
      http.json("/api/schedules", (value) => decodeSchedule(value), {
        method: "POST",
        body: schedule,
      }),
    async remove(name) {
      await http.send(pathOf(name), { method: "DELETE" });
    },
    run: (name) =>
      http.json(pathOf(name, "/run"), (value) => decodeTask(value), { method: "POST" }),
    pause: (name) => change(name, "pause"),
    resume: (name) => change(name, "resume"),
  };
}

function pathOf(name: string, rest = ""): string {
  return `/api/schedules/${encodeURIComponent(name)}${rest}`;
}

function decodeSchedule(value: unknown, at = "schedule"): Schedule {
  const fields = fieldsOf(value, at);
  const last = fields.objectOrNull("last");
  return {
    name: fields.text("name"),
    cron: fields.text("cron"),
    timeZone: fields.text("timeZone"),
    type: fields.text("type"),
    input: fields.json("input"),
    missed: fields.oneOf("missed", ["skip", "once", "all"]),
    paused: fields.flag("paused"),
    nextRuns: fields.list("nextRuns", textAt),
    last:
      last === null
        ? null
        : {
            taskId: last.text("taskId"),
            at: last.text("at"),
            status: last.textOrNull("status"),
            error: last.textOrNull("error"),
          },
  };
}
