import type { Decider } from "../decider.ts";
import { scopeName } from "../scope.ts";
import type { TaskCommand } from "./commands.ts";
import { decideTask } from "./decide.ts";
import type { TaskEvent } from "./events.ts";
import { evolveTask } from "./evolve.ts";
import { zeroTask, type TaskState } from "./state.ts";

/** Bytes of a task's state with nothing in it. */
const emptyTaskBytes = 900;

/** The task scope: see {@link decideTask} for its state machine. */
export const taskDecider: Decider<TaskState, TaskCommand, TaskEvent> = {
  zero: (scope) => zeroTask(scopeName(scope)),
  evolve: evolveTask,
  decide: decideTask,
  owner: (state) => state.spec?.userId ?? "",
  weigh: (state) => emptyTaskBytes + state.heldBytes,
  settled: (state) => state.phase === "ended" || state.phase === "none",
  attempt: (state) => state.attempt,
};
