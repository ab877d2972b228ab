import { asUser, asUserEvents } from "./erased-types.ts";
import { ErrandError } from "../core/errors.ts";
import { isChatId } from "../core/ids.ts";
import { isRecord } from "../core/json.ts";
import { durationMsMax, todoCharsMax } from "../core/limits.ts";
import { scopeName, userScope } from "../core/scope.ts";
import type { UserCommand } from "../core/user/decider.ts";
import type { Reminder } from "../core/user/reminders.ts";
import type { Calendar } from "../ports/calendar.ts";
import type { Log } from "../ports/host.ts";
import type { Engine } from "./engine.ts";
import type { Committed } from "./kernel/group.ts";
import { cronCharsMax } from "./schedules.ts";
import { plannerChatId } from "./todos.ts";
import { isZone } from "./zone.ts";

/** A reminder as somebody asks for it: at one time, or again and again. */
export interface ReminderWish {
  readonly text: string;
  readonly atMs?: number;
  readonly cron?: string;
  /** IANA name. Default: the person's own zone, else the host's. */
  readonly timeZone?: string;
  /** The session it is said in. Default: the planner. */
  readonly sessionId?: string;
  /** The same name again is the same reminder. */
  readonly actionId?: string;
  readonly requestId?: string;
}

/** What a host gives reminders. */
interface ReminderPorts {
  readonly calendar: Calendar | undefined;
  readonly log: Log;
  nowMs(): number;
}

/**
 * Reminders of people, and the clock they live by (SPEC REMIND1). The user's log decides and keeps the timers; this class
 * reads calendars for it, because time zones are not pure.
 */
export class Reminders {
  readonly #engine: Engine;
  readonly #ports: ReminderPorts;

  constructor(engine: Engine, ports: ReminderPorts) {
    this.#engine = engine;
    this.#ports = ports;
    engine.kernel.listen({ committed: (commit) => this.#committed(commit) });
  }

  /**
   * Makes a reminder; durable when it resolves. Errors: `invalid_request`, `limit_exceeded`, `idempotency_mismatch`,
   * `unavailable` for one that comes again and again on a host without a calendar.
   */
  async set(
    userId: string,
    wish: ReminderWish,
  ): Promise<{ readonly reminder: Reminder; readonly replayed: boolean }> {
    const { text, cron = null, sessionId = plannerChatId, actionId, requestId } = wish;
    if (text.trim() === "" || text.length > todoCharsMax)
      throw invalid("text", `must be 1..${todoCharsMax} characters that are not all blank`);
    if (!isChatId(sessionId)) throw invalid("sessionId", "is not a session's id");
    const timeZone = await this.#zoneFor(userId, wish.timeZone);
    const nextAtMs = this.#firstTime(wish, timeZone);
    const id = this.#engine.kernel.id("rem");
    const command: UserCommand = {
      type: "reminderSet",
      reminder: { id, text, cron, timeZone, sessionId },
      nextAtMs,
    };
    const body = { remind: text, atMs: wish.atMs ?? null, cron, timeZone, sessionId };
    const keyed =
      actionId === undefined ? {} : { key: await this.#engine.keyFor(userId, actionId, body, id) };
    const { reply, replayed } = await this.#engine.kernel.dispatch(userScope(userId), command, {
      meta: {
        ...(actionId === undefined ? {} : { actionId }),
        ...(requestId === undefined ? {} : { requestId }),
      },
      ...keyed,
    });
    if (!reply.ok) {
      const { code, message, fields } = reply.error;
      throw new ErrandError(code, message, { fields });
    }
    const known = replayed && isRecord(reply.value) ? String(reply.value["ref"]) : id;
    const reminder = await this.get(userId, known);
    if (reminder === null) throw new ErrandError("not_found", `reminder ${known} is gone`);
    return { reminder, replayed };
  }

  /**
   * Lets a reminder come (once more) at `untilMs`; durable when it resolves. The same wish again is answered and changes
   * nothing, also after that time (SPEC REMIND5). Errors: `not_found`, `invalid_request`.
   */
  async snooze(userId: string, id: string, untilMs: number): Promise<Reminder> {
    // Only how far: whether it is over the user's log decides, where the same wish may have been met.
    if (untilMs - this.#ports.nowMs() > durationMsMax)
      throw invalid("until", "must be at most ten years from now");
    await this.#ask(userId, { type: "reminderSnooze", id, untilMs });
    const reminder = await this.get(userId, id);
    if (reminder === null) throw new ErrandError("not_found", `there is no reminder ${id}`);
    return reminder;
  }

  /** Removes a reminder, or says that it is done. Throws `not_found`. */
  async remove(userId: string, id: string): Promise<void> {
    await this.#ask(userId, { type: "reminderRemove", id });
  }

  /** A user's reminders, those that come next first, then those that have come. `seq`: the user's last fact. */
  async list(
    userId: string,
  ): Promise<{ readonly reminders: readonly Reminder[]; readonly seq: number }> {
    const { reminders, seq } = await this.#engine.reader.person(userId);
    return { reminders: reminders.toSorted((a, b) => nextOf(a) - nextOf(b)), seq };
  }

  /** One reminder; `null` if there is none of that id. */
  async get(userId: string, id: string): Promise<Reminder | null> {
    const { reminders } = await this.#engine.reader.person(userId);
    return reminders.find((reminder) => reminder.id === id) ?? null;
  }

  /** The zone of a person's clock: their own if they have told it, else the host's, else UTC. */
  async zoneOf(userId: string): Promise<string> {
    const { timeZone: own } = await this.#engine.reader.person(userId);
    return own ?? this.#ports.calendar?.timeZone ?? "UTC";
  }

  /** Tells the zone of a person's clock. Throws `invalid_request` for one that is not known. */
  async setZone(userId: string, timeZone: string): Promise<void> {
    if (!isZone(timeZone)) throw invalid("timeZone", "must be an IANA time zone");
    await this.#ask(userId, { type: "setZone", timeZone });
  }

  async #zoneFor(userId: string, named: string | undefined): Promise<string> {
    if (named === undefined) return await this.zoneOf(userId);
    if (!isZone(named)) throw invalid("timeZone", "must be an IANA time zone");
    return named;
  }

  #firstTime({ atMs, cron }: ReminderWish, timeZone: string): number {
    if ((atMs === undefined) === (cron === undefined))
      throw invalid("at", "or cron must be given, and not both");
    if (atMs !== undefined) {
      if (atMs - this.#ports.nowMs() > durationMsMax)
        throw invalid("at", "must be at most ten years from now");
      return atMs;
    }
    const calendar = this.#ports.calendar;
    if (calendar === undefined)
      throw new ErrandError("unavailable", "this host has no calendar, and so nothing that recurs");
    const fields = cron ?? "";
    if (fields.length > cronCharsMax)
      throw invalid("cron", `must be at most ${cronCharsMax} characters`);
    const problem = calendar.problem(fields, timeZone);
    if (problem !== null) throw invalid(problem.field, `must be ${problem.message}`);
    const [next] = calendar.next(fields, timeZone, this.#ports.nowMs(), 1);
    if (next === undefined) throw invalid("cron", "must name a time that comes");
    return next;
  }

  async #ask(userId: string, command: UserCommand): Promise<unknown> {
    return await this.#engine.kernel.ask(userScope(userId), command);
  }

  /** One that comes again has come: its next time is computed here. If that is lost in a crash, its timer asks again. */
  #committed({ scope, events, state }: Committed): void {
    if (!scope.startsWith("user/")) return;
    const { calendar, log } = this.#ports;
    for (const event of asUserEvents(events)) {
      if (event.type !== "reminder.rang" && event.type !== "reminder.unplanned") continue;
      const reminder = asUser(state).reminders.get(event.id);
      if (reminder === undefined || reminder.cron === null || reminder.nextAtMs !== null) continue;
      if (calendar === undefined) continue;
      const { id, cron, timeZone, plannedFromMs: fromMs } = reminder;
      const nextAtMs = calendar.next(cron, timeZone, fromMs, 1)[0] ?? null;
      this.#ask(scopeName(scope), { type: "reminderPlan", id, fromMs, nextAtMs }).catch(
        (error: unknown) =>
          log.error("the next time of a reminder could not be written", error, { scope }),
      );
    }
  }
}

function nextOf({ nextAtMs, snoozedMs }: Reminder): number {
  return Math.min(nextAtMs ?? Infinity, snoozedMs ?? Infinity);
}

function invalid(field: string, message: string): ErrandError {
  return new ErrandError("invalid_request", `${field} ${message}`, {
    fields: [{ field, message }],
  });
}
