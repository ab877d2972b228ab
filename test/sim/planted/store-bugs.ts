import { ErrandError } from "../../../src/core/errors.ts";
import type { Group, SyncStore } from "../../../src/ports/store.ts";
import { withDecider, type Mutant } from "../mutant.ts";

/** A mutant whose store differs. */
function store(
  name: string,
  about: string,
  plant: (real: SyncStore) => Partial<SyncStore>,
): Mutant {
  return { name, about, store: (real) => ({ ...real, ...plant(real) }) };
}

/** A store that writes a changed group. */
function writes(change: (group: Group) => Group): (real: SyncStore) => Partial<SyncStore> {
  return (real) => ({ commit: (group) => real.commit(change(group)) });
}

/** How often the store that errs does so. */
const errsEvery = 9;

/** How far the clock that is ahead is ahead. */
const aheadMs = 250;

/** Planted bugs of the store, the outbox, timers and recovery. */
export const storeBugs: readonly Mutant[] = [
  store("ack-before-commit", "a commit is acknowledged while it is still in memory", (real) => {
    let held: Group | null = null;
    return {
      commit(group) {
        const before = held;
        held = group;
        return before === null ? { ok: true } : real.commit(before);
      },
    };
  }),
  store("outbox-forgotten", "messages that were not settled are forgotten in a crash", () => ({
    outbox: () => [],
  })),
  store(
    "outbox-not-written",
    "messages to another home are sent without being stored",
    writes((group) => ({ ...group, outbox: [] })),
  ),
  store("keys-forgotten", "an idempotency key is not remembered", (real) => ({
    keys: (asked) => asked.map(() => null),
    commit: (group) => real.commit({ ...group, keys: [] }),
  })),
  store(
    "shown-not-stored",
    "tokens are shown, and not written",
    writes((group) => ({ ...group, streams: group.streams.filter(({ op }) => op !== "append") })),
  ),
  {
    ...store("timers-early", "timers fire by a clock that is ahead", (real) => ({
      timersDue: (atMs, limit) => real.timersDue(atMs + aheadMs, limit),
    })),
    deciders: (deciders) =>
      withDecider(deciders, "task", (real) => ({
        decide(state, command, ctx) {
          const fired = (command as { type: string }).type === "timer";
          return real.decide(state, command, fired ? { ...ctx, nowMs: ctx.nowMs + aheadMs } : ctx);
        },
      })),
  },
  store(
    "timers-lost",
    "a commit of many scopes forgets its timers",
    writes((group) => (group.appends.length > 2 ? { ...group, timers: [] } : group)),
  ),
  store("full-but-written", "a full disk is reported after the group was written", (real) => {
    let commits = 0;
    return {
      commit(group) {
        const result = real.commit(group);
        commits += 1;
        if (commits % errsEvery === 0) throw new ErrandError("storage_full", "planted");
        return result;
      },
    };
  }),
  store("entries-forgotten", "who takes a stream over does not see its last entries", (real) => ({
    streamRead: (stream, from, rowsMax) => real.streamRead(stream, from, rowsMax).slice(0, -1),
  })),
  store("leases-survive", "recovery does not void the leases of the dead process", () => ({
    queues: () => [],
  })),
  store("running-not-found", "recovery does not look for tasks that ran without a lease", () => ({
    tasksOpen: () => [],
  })),
  store("streams-left-open", "recovery does not close the streams of dead attempts", () => ({
    streamsOpen: () => [],
  })),
  {
    name: "reset-skipped",
    about: "a call that starts again does not take back what it said",
    worker: { skipReset: true },
  },
  {
    name: "abort-not-settled",
    about: "an aborted call keeps its slot",
    worker: { keepAborted: true },
  },
];
