import { eraseDecider } from "./erased-types.ts";
import { queueDecider } from "../core/queue/decider.ts";
import type { QueueState } from "../core/queue/state.ts";
import { restorePending, type ReadyCall } from "../core/queue/restore.ts";
import { sessionDecider } from "../core/session/decider.ts";
import { taskDecider } from "../core/task/decider.ts";
import { userDecider } from "../core/user/decider.ts";
import type { AnyDecider } from "./kernel/group.ts";

/** A queue's state is its folded log and the ready rows: the kernel brings the rows back after it has folded. */
const queue = {
  ...queueDecider,
  restorePending: (state: QueueState, rows: readonly ReadyCall[]): void =>
    restorePending(state, rows),
};

/**
 * The deciders of the four kinds of scope. Their types are erased here, once: the kernel gives each decider only
 * states, commands and events of its own scopes, which the scope's name guarantees.
 */
export const deciders: ReadonlyMap<string, AnyDecider> = new Map([
  ["task", eraseDecider(taskDecider)],
  ["session", eraseDecider(sessionDecider)],
  ["user", eraseDecider(userDecider)],
  ["queue", eraseDecider(queue)],
]);
