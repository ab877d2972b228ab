import type { Schedule } from "../schedule/state.ts";

/** A queue: its name and its scheduler. Invariants: see {@link Schedule}. */
export interface QueueState {
  readonly name: string;
  readonly schedule: Schedule;
}
