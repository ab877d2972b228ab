import { asUser, asUserEvents } from "./erased-types.ts";
import { ErrandError } from "../core/errors.ts";
import { isName } from "../core/ids.ts";
import { isRecord } from "../core/json.ts";
import { scopeName, userScope } from "../core/scope.ts";
import type { MissedTicks, Schedule, ScheduleCommand } from "../core/user/schedules.ts";
import type { Calendar } from "../ports/calendar.ts";
import type { Log } from "../ports/host.ts";
import type { Engine } from "./engine.ts";
import type { Committed } from "./kernel/group.ts";
import type { SubmitOptions } from "./settings.ts";

/** A schedule as somebody asks for it. */
export interface ScheduleWish {
  readonly name: string;
  readonly cron: string;
  /** IANA name. Default: the zone of the host. */
  readonly timeZone?: string;
  readonly type: string;
  readonly input: unknown;
  /** What becomes of ticks that came while nothing ran. Default "once". */
  readonly missed?: MissedTicks;
  readonly options?: Pick<SubmitOptions, "priority" | "title" | "ttlMs">;
}

/** Most characters of cron fields. */
export const cronCharsMax = 200;

/**
 * Schedules of users: tasks that are submitted again and again (SPEC SCHED1). The user's log decides; this class
 * reads calendars for it, because time zones are not pure.
 */
export class Schedules {
  readonly #engine: Engine;
  readonly #calendar: Calendar | undefined;
  readonly #log: Log;
  readonly #nowMs: () => number;

  constructor(
    engine: Engine,
    ports: { calendar?: Calendar | undefined; log: Log; nowMs: () => number },
  ) {
    this.#engine = engine;
    this.#calendar = ports.calendar;
    this.#log = ports.log;
    this.#nowMs = ports.nowMs;
    engine.kernel.listen({ committed: (commit) => this.#committed(commit) });
  }

  /**
   * Makes a schedule, or replaces the one of that name; what it has run stays known. Durable when it resolves.
   * Errors: `invalid_request`, `unknown_type`, `too_large`, `limit_exceeded`.
   */
  async set(userId: string, wish: ScheduleWish): Promise<{ readonly created: boolean }> {
    const { name, cron, type, input, missed = "once", options = {} } = wish;
    const calendar = this.#calendarOr();
    const timeZone = wish.timeZone ?? calendar.timeZone;
    if (!isName(name)) throw invalid("name", 'must be 1..100 of letters, digits and "_ . : -"');
    if (cron.length > cronCharsMax)
      throw invalid("cron", `must be at most ${cronCharsMax} characters`);
    const problem = calendar.problem(cron, timeZone);
    if (problem !== null) throw invalid(problem.field, `must be ${problem.message}`);
    const { types } = this.#engine;
    const spec = types.spec(types.offered(type), "", input, { ...options, userId });
    const answer = await this.#ask(userId, {
      type: "scheduleSet",
      schedule: { name, cron, timeZone, missed, spec },
      nextAtMs: this.#next({ cron, timeZone }, this.#nowMs()),
    });
    return { created: isRecord(answer) && answer["created"] === true };
  }

  /** Removes a schedule; what it has submitted goes on. Throws `not_found`. */
  async remove(userId: string, name: string): Promise<void> {
    await this.#ask(userId, { type: "scheduleRemove", name });
  }

  /** Stops the ticks of a schedule, or lets them come again from now on. Throws `not_found`. */
  async pause(userId: string, name: string, paused: boolean): Promise<void> {
    const schedule = await this.get(userId, name);
    if (schedule === null) throw new ErrandError("not_found", `there is no schedule "${name}"`);
    const nextAtMs = paused ? null : this.#next(schedule, this.#nowMs());
    await this.#ask(userId, { type: "schedulePause", name, paused, nextAtMs });
  }

  /** Submits a run now, whatever the clock says; also while it is paused. Throws `not_found`. */
  async run(userId: string, name: string): Promise<{ readonly taskId: string }> {
    const taskId = this.#engine.kernel.id("task");
    await this.#ask(userId, { type: "scheduleRun", name, taskId });
    return { taskId };
  }

  /** A user's schedules by name. */
  async list(userId: string): Promise<readonly Schedule[]> {
    return await this.#engine.kernel.read(userScope(userId), (state) =>
      [...asUser(state).schedules.values()]
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .map((schedule) => ({ ...schedule })),
    );
  }

  /** One schedule; `null` if there is none of that name. */
  async get(userId: string, name: string): Promise<Schedule | null> {
    return await this.#engine.kernel.read(userScope(userId), (state) => {
      const schedule = asUser(state).schedules.get(name);
      return schedule === undefined ? null : { ...schedule };
    });
  }

  /** The next ticks of a schedule, at most `count`; none while it is paused. */
  nextRuns({ cron, timeZone, paused }: Schedule, count: number): readonly number[] {
    if (paused) return [];
    return this.#calendarOr().next(cron, timeZone, this.#nowMs(), count);
  }

  async #ask(userId: string, command: ScheduleCommand): Promise<unknown> {
    return await this.#engine.kernel.ask(userScope(userId), command);
  }

  #next({ cron, timeZone }: Pick<Schedule, "cron" | "timeZone">, afterMs: number): number | null {
    return this.#calendarOr().next(cron, timeZone, afterMs, 1)[0] ?? null;
  }

  /** A tick came: the next one is computed here. If that is lost in a crash, the schedule's timer asks again. */
  #committed({ scope, events, state }: Committed): void {
    if (!scope.startsWith("user/")) return;
    for (const event of asUserEvents(events)) {
      if (event.type !== "schedule.ticked" && event.type !== "schedule.unplanned") continue;
      const schedule = asUser(state).schedules.get(event.name);
      if (schedule === undefined || this.#calendar === undefined) continue;
      const { name, plannedFromMs: fromMs } = schedule;
      const nextAtMs = this.#next(schedule, fromMs);
      this.#ask(scopeName(scope), { type: "schedulePlan", name, fromMs, nextAtMs }).catch(
        (error: unknown) =>
          this.#log.error("the next tick of a schedule could not be written", error, { scope }),
      );
    }
  }

  #calendarOr(): Calendar {
    if (this.#calendar !== undefined) return this.#calendar;
    throw new ErrandError("unavailable", "this host has no calendar, and so no schedules");
  }
}

function invalid(field: string, message: string): ErrandError {
  return new ErrandError("invalid_request", `${field} ${message}`, {
    fields: [{ field, message }],
  });
}
