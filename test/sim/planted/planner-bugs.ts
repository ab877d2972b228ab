import type { Batch, DecideContext } from "../../../src/core/decider.ts";
import type { SessionCommand } from "../../../src/core/session/decider.ts";
import type { SessionEvent, SessionState } from "../../../src/core/session/state.ts";
import type { TaskCommand } from "../../../src/core/task/commands.ts";
import type { TaskState } from "../../../src/core/task/state.ts";
import type { UserCommand, UserEvent, UserState } from "../../../src/core/user/decider.ts";
import { withDecider, type Mutant } from "../mutant.ts";

type Decide<S, C, E> = (state: S, command: C, ctx: DecideContext) => Batch<E>;

/** A mutant whose decider of one kind of scope differs. */
function plant<S, C, E>(kind: "session" | "user" | "task") {
  return (
    name: string,
    about: string,
    change: (real: Decide<S, C, E>) => Decide<S, C, E>,
  ): Mutant => ({
    name,
    about,
    deciders: (deciders) =>
      withDecider(deciders, kind, (real) => {
        const decide = change(
          (state, command, ctx) => real.decide(state, command, ctx) as Batch<E>,
        );
        return { decide: (state, command, ctx) => decide(state as S, command as C, ctx) };
      }),
  });
}

const session = plant<SessionState, SessionCommand, SessionEvent>("session");
const user = plant<UserState, UserCommand, UserEvent>("user");
const task = plant<TaskState, TaskCommand, unknown>("task");

const typeOf = (body: unknown): string => (body as { type: string }).type;

/** Planted bugs of todos, reminders, questions, summaries and sessions that move. */
export const plannerBugs: readonly Mutant[] = [
  session("todo-wish-twice", "a wish for todos that comes again is done again", (real) => {
    return (state, command, ctx) => {
      if (command.type !== "todo") return real(state, command, ctx);
      return real({ ...state, acted: new Map() }, command, ctx);
    };
  }),
  session("todo-dropped", "of several todos added at once the last is dropped", (real) => {
    return (state, command, ctx) => {
      const batch = real(state, command, ctx);
      const many = command.type === "todo" && command.act.do === "add" && batch.events.length > 1;
      return many ? { ...batch, events: batch.events.slice(0, -1) } : batch;
    };
  }),
  session("undo-takes-done", "an undo takes away what was done as well", (real) => {
    return (state, command, ctx) => {
      if (command.type !== "todo" || command.act.do !== "undo") return real(state, command, ctx);
      const todos = new Map(
        Array.from(state.todos, ([id, todo]) => [id, { ...todo, status: "open" as const }]),
      );
      return real({ ...state, todos }, command, ctx);
    };
  }),
  session("undo-leaves-one", "an undo leaves the last of several", (real) => {
    return (state, command, ctx) => {
      const batch = real(state, command, ctx);
      const isUndo = command.type === "todo" && command.act.do === "undo";
      return isUndo && batch.events.length > 1
        ? { ...batch, events: batch.events.slice(0, -1) }
        : batch;
    };
  }),
  session("summary-goes-back", "a summary that comes late replaces a newer one", (real) => {
    return (state, command, ctx) =>
      real(command.type === "summarize" ? { ...state, summary: null } : state, command, ctx);
  }),
  session("part-twice", "a part of a session that comes again is taken again", (real) => {
    return (state, command, ctx) => {
      if (command.type !== "import") return real(state, command, ctx);
      const { imported } = state;
      const again = imported !== null && command.part < imported.next;
      if (!again) return real(state, command, ctx);
      return real(
        { ...state, imported: { ...imported, next: command.part, done: false } },
        command,
        ctx,
      );
    };
  }),
  user("reminder-said-twice", "a reminder that comes late is said twice", (real) => {
    return (state, command, ctx) => {
      const batch = real(state, command, ctx);
      const [rang] = batch.events;
      const late = rang?.type === "reminder.rang" && rang.missed;
      if (!late) return batch;
      const again = (batch.messages ?? []).map(({ to, body }) => ({
        to,
        body: { ...(body as object), messageId: ctx.id("msg") },
      }));
      return { ...batch, messages: [...(batch.messages ?? []), ...again] };
    };
  }),
  user("reminder-not-said", "a reminder that was put off comes without being said", (real) => {
    return (state, command, ctx) => {
      const batch = real(state, command, ctx);
      const [rang] = batch.events;
      const reminder = rang?.type === "reminder.rang" ? state.reminders.get(rang.id) : undefined;
      return reminder?.snoozedMs == null ? batch : { ...batch, messages: [] };
    };
  }),
  user("reminder-without-timer", "a reminder is set and its timer is not", (real) => {
    return (state, command, ctx) => {
      const batch = real(state, command, ctx);
      return command.type === "reminderSet" ? { ...batch, timers: [] } : batch;
    };
  }),
  task("answer-changes", "a second answer to a question replaces the first", (real) => {
    return (state, command, ctx) => {
      const batch = real(state, command, ctx);
      if (command.type !== "answer" || batch.reply.ok) return batch;
      for (const [op, wait] of state.operations) {
        if (wait.kind !== "wait" || wait.approval?.id !== command.id || !wait.done) continue;
        const event = { type: "wait.ended", op, payload: command.answer };
        return { events: [event], reply: { ok: true, value: null } };
      }
      return batch;
    };
  }),
  task("question-stays", "a question stays on the list when its time is over", (real) => {
    return (state, command, ctx) => {
      const batch = real(state, command, ctx);
      if (command.type !== "timer") return batch;
      const messages = (batch.messages ?? []).filter(
        ({ body }) => typeOf(body) !== "approvalSettled",
      );
      return { ...batch, messages };
    };
  }),
];
