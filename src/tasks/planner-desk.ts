import { ErrandError } from "../core/errors.ts";
import { sessionScope } from "../core/scope.ts";
import type { SessionCommand } from "../core/session/decider.ts";
import { plannerChatId, type Engine } from "../engine/index.ts";
import type { Desk } from "./desk.ts";

type PlannerDesk = Pick<
  Desk,
  | "zoneOf"
  | "reminders"
  | "addReminder"
  | "snoozeReminder"
  | "removeReminder"
  | "memory"
  | "summarize"
  | "plan"
  | "summarizeSoon"
>;

/** The part of the desk that is about reminders, summaries and plans. */
export function plannerDesk(engine: () => Engine): PlannerDesk {
  return {
    zoneOf: (userId) => engine().reminders.zoneOf(userId),
    reminders: async (userId) => (await engine().reminders.list(userId)).reminders,
    addReminder: async (userId, wish) => (await engine().reminders.set(userId, wish)).reminder,
    snoozeReminder: (userId, id, untilMs) => orGone(engine().reminders.snooze(userId, id, untilMs)),
    removeReminder: (userId, id) => orGone(engine().reminders.remove(userId, id)),
    async memory(userId, sessionId) {
      const found = await engine().sessions.read(userId, sessionId, ({ messages, summary }) => ({
        messages: [...messages.values()],
        summary,
      }));
      return found ?? { messages: [], summary: null };
    },
    async summarize(userId, sessionId, summary) {
      const command: SessionCommand = { type: "summarize", summary };
      await engine().kernel.ask(sessionScope(userId, sessionId), command);
    },
    async plan(userId, { plan, dueDays, proposals, tell }) {
      const { kernel } = engine();
      const command: SessionCommand = {
        type: "plan",
        plan,
        dueDays,
        proposals: proposals.map((text) => ({
          id: kernel.id("todo"),
          text,
          dueDay: plan.day,
          source: null,
          operationId: plan.taskId,
        })),
        messageId: tell ? kernel.id("msg") : null,
      };
      await kernel.ask(sessionScope(userId, plannerChatId), command);
    },
    async summarizeSoon(userId, sessionId, key) {
      const input = { sessionId, older: true };
      await engine().submit("summary", input, { userId, idempotencyKey: key });
    },
  };
}

async function orGone(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (error instanceof ErrandError && error.code === "not_found") return false;
    throw error;
  }
}
