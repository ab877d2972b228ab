import type { Batch, DecideContext } from "../../../src/core/decider.ts";
import type { TaskCommand } from "../../../src/core/task/commands.ts";
import type { TaskEvent } from "../../../src/core/task/events.ts";
import type { TaskState } from "../../../src/core/task/state.ts";
import { withDecider, type Mutant } from "../mutant.ts";

type Decide = (state: TaskState, command: TaskCommand, ctx: DecideContext) => Batch<TaskEvent>;

/** A mutant whose task decider differs. */
function task(name: string, about: string, plant: (real: Decide) => Decide): Mutant {
  return {
    name,
    about,
    deciders: (deciders) =>
      withDecider(deciders, "task", (real) => {
        const decide = plant(
          (state, command, ctx) => real.decide(state, command, ctx) as Batch<TaskEvent>,
        );
        return {
          decide: (state, command, ctx) => decide(state as TaskState, command as TaskCommand, ctx),
        };
      }),
  };
}

/** Type of a message's or a command's body. */
function typeOf(body: unknown): string {
  return (body as { type: string }).type;
}

/** Planted bugs of the task scope. */
export const taskBugs: readonly Mutant[] = [
  task("fence-dropped", "a worker with an old epoch is heard", (real) => (state, command, ctx) => {
    return real(state, "epoch" in command ? { ...command, epoch: state.epoch } : command, ctx);
  }),
  task(
    "loss-not-counted",
    "an attempt whose worker died is no loss, so a task that kills it never stops",
    (real) => (state, command, ctx) => {
      const batch = real(state, command, ctx);
      return {
        ...batch,
        events: batch.events.map((event) =>
          event.type === "task.lost" ? { ...event, graceful: true } : event,
        ),
      };
    },
  ),
  task(
    "cut-repeats-a-token",
    "a call that was cut goes on one token too early",
    (real) => (state, command, ctx) => {
      const { partial } = command as { partial?: { tokens: number } | null };
      if (command.type !== "callCut" || partial == null) return real(state, command, ctx);
      const early = { ...command.partial, tokens: partial.tokens - 1 };
      return real(state, { ...command, partial: early }, ctx);
    },
  ),
  task(
    "cut-keeps-slot",
    "a call that made room does not give its slot back",
    (real) => (state, command, ctx) => {
      const batch = real(state, command, ctx);
      if (command.type !== "callCut") return batch;
      const messages = (batch.messages ?? []).filter(({ body }) => typeOf(body) !== "settle");
      return { ...batch, messages };
    },
  ),
  task(
    "join-twice",
    "a child that ends a second time is joined a second time",
    (real) => (state, command, ctx) => {
      if (command.type !== "childEnded") return real(state, command, ctx);
      for (const operation of state.operations.values()) {
        if (operation.kind === "child" && operation.child === command.child) operation.end = null;
      }
      return real(state, command, ctx);
    },
  ),
  task(
    "cancel-resurrected",
    "a cancelled backoff keeps its timer, which queues the task again",
    (real) => (state, command, ctx) => {
      if (command.type === "timer" && command.name === "due" && state.status === "cancelled") {
        return {
          events: [{ type: "task.queued", call: `${state.id}.${state.calls + 1}` }],
          reply: { ok: true, value: null },
        };
      }
      const batch = real(state, command, ctx);
      return command.type === "cancel"
        ? { ...batch, timers: (batch.timers ?? []).filter(({ name }) => name !== "due") }
        : batch;
    },
  ),
  task(
    "orphans-live",
    "the end of a parent does not reach its children",
    (real) => (state, command, ctx) => {
      const batch = real(state, command, ctx);
      return {
        ...batch,
        messages: (batch.messages ?? []).filter(({ body }) => typeOf(body) !== "cancel"),
      };
    },
  ),
  task(
    "slot-held-in-sleep",
    "a sleeping task keeps its start slot",
    (real) => (state, command, ctx) => {
      const batch = real(state, command, ctx);
      return command.type === "sleep" ? { ...batch, messages: [] } : batch;
    },
  ),
  task(
    "grant-starts-twice",
    "a grant that arrives twice starts two attempts",
    (real) => (state, command, ctx) => {
      if (
        command.type !== "callGranted" ||
        state.phase !== "active" ||
        state.lease !== command.call
      )
        return real(state, command, ctx);
      const [attempt, epoch] = [state.attempt + 1, state.epoch + 1];
      return {
        events: [{ type: "task.started", attempt, epoch }],
        signals: [{ kind: "task.start", taskId: state.id, attempt, epoch } as { kind: string }],
        reply: { ok: true, value: null },
      };
    },
  ),
  task(
    "retry-not-requested",
    "a backoff ends without asking for a slot",
    (real) => (state, command, ctx) => {
      const batch = real(state, command, ctx);
      return command.type === "timer" && command.name === "due"
        ? { ...batch, messages: [] }
        : batch;
    },
  ),
  task(
    "spawn-twice",
    "a spawn that is asked for twice makes two children",
    (real) => (state, command, ctx) => {
      if (command.type === "spawn") state.operations.delete(command.op);
      return real(state, command, ctx);
    },
  ),
  task(
    "step-written-twice",
    "a step's result that arrives twice is written twice",
    (real) => (state, command, ctx) => {
      if (command.type === "step" && command.epoch === state.epoch)
        state.operations.delete(command.op);
      return real(state, command, ctx);
    },
  ),
  task("ttl-of-running", "a task that runs already expires", (real) => (state, command, ctx) => {
    if (command.type !== "timer" || command.name !== "ttl" || state.phase === "ended") {
      const batch = real(state, command, ctx);
      return {
        ...batch,
        timers: (batch.timers ?? []).filter((timer) => timer.name !== "ttl" || timer.atMs !== null),
      };
    }
    return {
      events: [{ type: "task.expired", error: { code: "expired", message: "planted" } }],
      reply: { ok: true, value: null },
    };
  }),
  task(
    "end-not-told",
    "a turn's session is not told of a failure",
    (real) => (state, command, ctx) => {
      const batch = real(state, command, ctx);
      return command.type === "fail"
        ? {
            ...batch,
            messages: (batch.messages ?? []).filter(({ body }) => typeOf(body) !== "turnEnded"),
          }
        : batch;
    },
  ),
  task(
    "void-ignored",
    "a call that is void while its grant is on its way is used all the same",
    (real) => (state, command, ctx) => {
      if (command.type === "callLost" && state.phase === "queued")
        return { events: [], reply: { ok: true, value: null } };
      return real(state, command, ctx);
    },
  ),
  task(
    "wake-row-forgotten",
    "a task that is woken keeps a row that says it waits, and recovery does not find it",
    (real) => (state, command, ctx) => {
      const batch = real(state, command, ctx);
      return command.type === "timer"
        ? {
            ...batch,
            rows: (batch.rows ?? []).filter(
              (row) => row.table !== "task" || row.status !== "running",
            ),
          }
        : batch;
    },
  ),
];
