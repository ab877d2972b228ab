import type { Clock } from "../../ports/host.ts";

/** The computer's clock. It may jump, also backwards: nothing in Errand takes its order from it. */
export const systemClock: Clock = { nowMs: () => Date.now() };
