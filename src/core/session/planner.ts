import { cutText } from "../cut-text.ts";
import { nothing, ok, type Batch } from "../decider.ts";
import { messageCharsMax, summaryCharsMax } from "../limits.ts";
import type { ChatMessage, MessagePart, SessionEvent, SessionState } from "./state.ts";
import { decideTodos, type NewTodo } from "./todos.ts";

/** What was said in a session up to a message, in short. The messages themselves stay. */
export interface Summary {
  readonly text: string;
  /** The last message that it covers. */
  readonly untilMessageId: string;
  /** How many messages it covers. */
  readonly messages: number;
  /** Who wrote it: a model, or fixed rules. */
  readonly by: "model" | "rules";
  readonly taskId: string;
  readonly atMs: number;
}

/** A plan of a day: an order of todos, days for some, and what is proposed besides. */
export interface DayPlan {
  readonly day: string;
  readonly timeZone: string;
  /** In words, as the person reads it. */
  readonly text: string;
  /** Todos of the day, in order. */
  readonly todoIds: readonly string[];
  readonly by: "model" | "rules";
  readonly taskId: string;
  readonly atMs: number;
}

/** Facts of the planner's work in the log of a session. */
export type PlannerEvent =
  | { readonly type: "session.summarized"; readonly summary: Omit<Summary, "atMs"> }
  | { readonly type: "plan.made"; readonly plan: Omit<DayPlan, "atMs"> };

/** Commands of tasks that work for a session. Each comes at least once and counts once. */
export type PlannerCommand =
  /** Says something without having been asked, once for each `messageId`. */
  | {
      readonly type: "tell";
      readonly messageId: string;
      readonly parts: readonly MessagePart[];
      /** Title of the session if it has none. */
      readonly title: string;
    }
  | { readonly type: "summarize"; readonly summary: Omit<Summary, "atMs"> }
  | {
      readonly type: "plan";
      readonly plan: Omit<DayPlan, "atMs">;
      readonly dueDays: Readonly<Record<string, string>>;
      readonly proposals: readonly NewTodo[];
      /** Says the plan in the session under this id; `null`: it is told elsewhere. */
      readonly messageId: string | null;
    };

/** What the planner knows of a session besides its messages and todos. */
export interface PlannerState {
  summary: Summary | null;
  plan: DayPlan | null;
}

/** True for a fact of the planner's work. */
export function isPlannerEvent(event: { readonly type: string }): event is PlannerEvent {
  return event.type === "session.summarized" || event.type === "plan.made";
}

/** Folds a fact, in place. */
export function evolvePlanner(state: PlannerState, event: PlannerEvent, atMs: number): void {
  if (event.type === "plan.made") state.plan = { ...event.plan, atMs };
  else state.summary = { ...event.summary, atMs };
}

/** A message that nobody asked for. */
function told(messageId: string, parts: readonly MessagePart[], atMs: number): ChatMessage {
  return {
    id: messageId,
    role: "assistant",
    parts,
    taskId: null,
    status: "completed",
    error: null,
    createdAtMs: atMs,
  };
}

/** What a command of the planner comes to: its facts; the session makes its row. */
export function decidePlanner(
  state: SessionState,
  command: PlannerCommand,
  nowMs: number,
): Batch<SessionEvent> {
  switch (command.type) {
    case "tell": {
      const { messageId, parts, title } = command;
      if (state.messages.has(messageId)) return nothing({ messageId });
      return facts(spoken(state, told(messageId, parts, nowMs), title), { messageId });
    }
    case "summarize": {
      const { summary } = command;
      const known = state.summary?.taskId === summary.taskId;
      // One of a deleted session, or an older one that comes late.
      const covers = state.messages.has(summary.untilMessageId);
      const before = state.summary?.messages ?? 0;
      if (known || !covers || summary.messages < before) return nothing();
      const text = cutText(summary.text, summaryCharsMax);
      return facts([{ type: "session.summarized", summary: { ...summary, text } }], null);
    }
    case "plan":
      return plan(state, command, nowMs);
    default: {
      const never: never = command;
      return never;
    }
  }
}

function plan(
  state: SessionState,
  { plan: made, dueDays, proposals, messageId }: Extract<PlannerCommand, { type: "plan" }>,
  nowMs: number,
): Batch<SessionEvent> {
  const { taskId, todoIds } = made;
  const text = cutText(made.text, messageCharsMax);
  if (state.plan?.taskId === taskId) return nothing();
  const arranged = decideTodos(state, {
    type: "todo",
    eventId: `${taskId}:order`,
    act: { do: "arrange", order: todoIds, dueDays },
  });
  const proposed = decideTodos(state, {
    type: "todo",
    eventId: `${taskId}:proposals`,
    act: { do: "add", todos: proposals, proposed: true },
  });
  const events: SessionEvent[] = [
    ...arranged.events,
    // A list that is full takes no proposals; the plan is worth having all the same.
    ...(proposed.reply.ok ? proposed.events : []),
    { type: "plan.made", plan: { ...made, text } },
  ];
  if (messageId !== null && !state.messages.has(messageId)) {
    const parts: MessagePart[] = [{ type: "text", text }];
    events.push(...spoken(state, told(messageId, parts, nowMs), "Reminders and plans"));
  }
  return facts(events, { day: made.day });
}

/** A message, and a title for a session that has none: what nobody said gives it no title. */
function spoken(state: SessionState, message: ChatMessage, title: string): SessionEvent[] {
  const added: SessionEvent = { type: "message.added", message };
  return state.title === "" ? [added, { type: "session.renamed", title }] : [added];
}

function facts(events: readonly SessionEvent[], value: unknown): Batch<SessionEvent> {
  return { events, reply: ok(value) };
}
