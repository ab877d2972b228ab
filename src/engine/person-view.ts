import { asSession, asUser } from "./erased-types.ts";
import { sessionScope, userScope } from "../core/scope.ts";
import type { DayPlan, Summary } from "../core/session/planner.ts";
import type { ChatMessage } from "../core/session/state.ts";
import type { Approval } from "../core/user/approvals.ts";
import type { Reminder } from "../core/user/reminders.ts";
import type { Kernel } from "./kernel/kernel.ts";

/** What a user's scope holds for its person. Plain data: it may cross between homes. */
export interface PersonView {
  readonly reminders: readonly Reminder[];
  /** What tasks ask, the oldest first. */
  readonly approvals: readonly Approval[];
  /** IANA name; `null`: the person has not told it. */
  readonly timeZone: string | null;
  /** Number of the user's last fact. */
  readonly seq: number;
}

/** What is remembered of a session. Plain data: it may cross between homes. */
export interface SessionMemory {
  readonly messages: readonly ChatMessage[];
  readonly summary: Summary | null;
  readonly plan: DayPlan | null;
  readonly seq: number;
}

/** Reads a user's scope that lives here. */
export function personView(kernel: Kernel, userId: string): Promise<PersonView> {
  return kernel.read(userScope(userId), (state, seq) => {
    const { reminders, approvals, timeZone } = asUser(state);
    return {
      reminders: Array.from(reminders.values(), (reminder) => ({ ...reminder })),
      approvals: Array.from(approvals.values(), (approval) => ({ ...approval })),
      timeZone,
      seq,
    };
  });
}

/** Reads a session that lives here; `null` if there is none, or it was deleted. */
export function sessionMemory(
  kernel: Kernel,
  userId: string,
  chatId: string,
): Promise<SessionMemory | null> {
  return kernel.read(sessionScope(userId, chatId), (state, seq) => {
    const { messages, summary, plan, deleted } = asSession(state);
    if (seq === 0 || deleted) return null;
    return { messages: [...messages.values()], summary, plan, seq };
  });
}
