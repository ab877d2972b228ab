import type { Batch, DecideContext } from "../../../src/core/decider.ts";
import type { QueueEvent } from "../../../src/core/queue/events.ts";
import type { QueueCommand } from "../../../src/core/queue/protocol.ts";
import type { QueueState } from "../../../src/core/queue/state.ts";
import type { SessionCommand } from "../../../src/core/session/decider.ts";
import type { UserCommand, UserState } from "../../../src/core/user/decider.ts";
import { withDecider, type Mutant } from "../mutant.ts";

type Decide = (state: QueueState, command: QueueCommand, ctx: DecideContext) => Batch<QueueEvent>;

/** A mutant whose queue decider differs. */
function queue(name: string, about: string, plant: (real: Decide) => Decide): Mutant {
  return {
    name,
    about,
    deciders: (deciders) =>
      withDecider(deciders, "queue", (real) => {
        const decide = plant(
          (state, command, ctx) => real.decide(state, command, ctx) as Batch<QueueEvent>,
        );
        return {
          decide: (state, command, ctx) =>
            decide(state as QueueState, command as QueueCommand, ctx),
        };
      }),
  };
}

/** Planted bugs of queues, sessions and lanes. */
export const queueBugs: readonly Mutant[] = [
  queue(
    "settle-frees-two",
    "a settle that arrives twice frees somebody else's slot",
    (real) => (state, command, ctx) => {
      const { leases, pool } = state.schedule;
      const [other] = leases.keys();
      const unknown =
        command.type === "settle" &&
        !leases.has(command.call) &&
        pool.find(command.call) === undefined;
      return real(
        state,
        unknown && other !== undefined ? { type: "settle", call: other } : command,
        ctx,
      );
    },
  ),
  queue(
    "one-slot-too-many",
    "a grant does not wait for the settle before it",
    (real) => (state, command, ctx) => {
      const { schedule } = state;
      const { settings } = schedule;
      if (command.type !== "request") return real(state, command, ctx);
      schedule.settings = { ...settings, slots: settings.slots + 1 };
      const batch = real(state, command, ctx);
      schedule.settings = settings;
      return batch;
    },
  ),
  queue(
    "ready-rows-stay",
    "a granted call stays in the ready rows",
    (real) => (state, command, ctx) => {
      const batch = real(state, command, ctx);
      return { ...batch, rows: (batch.rows ?? []).filter((row) => row.table !== "readyGone") };
    },
  ),
  queue(
    "grant-untold",
    "a call that waited gets its slot, and its task is not told",
    (real) => (state, command, ctx) => {
      const batch = real(state, command, ctx);
      return command.type === "settle" ? { ...batch, messages: [] } : batch;
    },
  ),
  queue("pause-ignored", "a paused queue serves whoever comes", (real) => (state, command, ctx) => {
    const { schedule } = state;
    const { paused } = schedule;
    if (command.type !== "request") return real(state, command, ctx);
    schedule.paused = false;
    const batch = real(state, command, ctx);
    schedule.paused = paused;
    return batch;
  }),
  {
    name: "snapshot-forgets-leases",
    about: "a queue's snapshot leaves out who runs",
    deciders: (deciders) =>
      withDecider(deciders, "queue", ({ snapshot }) =>
        snapshot === undefined
          ? {}
          : {
              snapshot: {
                ...snapshot,
                save: (state) => ({ ...(snapshot.save(state) as object), leases: [] }),
              },
            },
      ),
  },
  {
    name: "two-turns",
    about: "a message that comes while another is answered starts at once",
    deciders: (deciders) =>
      withDecider(deciders, "session", (real) => ({
        decide(state, command, ctx) {
          const batch = real.decide(state, command, ctx);
          if ((command as SessionCommand).type !== "say") return batch;
          const messages = (batch.messages ?? []).map((message) => {
            const { heldBy: _, ...spec } =
              (message.body as { spec?: { heldBy?: string } }).spec ?? {};
            return { ...message, body: { ...(message.body as object), spec } };
          });
          return { ...batch, messages };
        },
      })),
  },
  {
    name: "lane-starts-two",
    about: "`work` starts a task while another one of the lane runs",
    deciders: (deciders) =>
      withDecider(deciders, "user", (real) => ({
        decide(state, command, ctx) {
          const work = command as UserCommand;
          if (work.type === "laneWork") {
            const lane = (state as UserState).lanes.get(work.lane);
            if (lane !== undefined) lane.current = null;
          }
          return real.decide(state, command, ctx);
        },
      })),
  },
];
