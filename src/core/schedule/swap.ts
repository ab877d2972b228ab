import type { Lease, Schedule } from "./state.ts";

/*
 * An endpoint that holds one model in memory loses seconds each time it is asked for another one. So calls of the model
 * that is there go before those of others in their band, but for so long only: nobody is passed over for it longer than
 * {@link passedMsMax} says since the model was loaded for somebody else (SPEC QUEUE26).
 */

/** Which model is in memory, as far as grants tell. */
export interface Swap {
  /** Model of the last grant; `null`: none was named. */
  model: string | null;
  /** Since when calls of other models are passed over for it; `null`: none was. */
  sinceMs: number | null;
  /** Times another model was loaded. */
  count: number;
}

/** Nothing is loaded. */
export function noSwap(): Swap {
  return { model: null, sinceMs: null, count: 0 };
}

/** Passing over lasts at most so many times as long as loading a model takes: then at most a fifth of the time is lost. */
const swapTimes = 4;

/** How long calls of other models are passed over at most, in ms; 0: models cost nothing to change. */
export function passedMsMax({ settings }: Schedule): number {
  return swapTimes * (settings.swapMs ?? 0);
}

/** True while calls of the model in memory go first. */
export function prefersLoaded(schedule: Schedule, nowMs: number): boolean {
  const { model, sinceMs } = schedule.swap;
  if (model === null) return false;
  const most = passedMsMax(schedule);
  return most > 0 && (sinceMs === null || nowMs - sinceMs < most);
}

/** Seconds that loading its model adds to a call that is granted now. */
export function loadSeconds({ settings, swap }: Schedule, model: string | null): number {
  const { swapMs = null } = settings;
  return swapMs === null || model === null || model === swap.model ? 0 : swapMs / 1_000;
}

/** True if a call of this model must wait for calls of another one to end: both are not in memory at once. */
export function isInUse({ leases, settings }: Schedule, model: string | null): boolean {
  if (model === null || (settings.swapMs ?? null) === null) return false;
  for (const lease of leases.values())
    if (lease.model !== null && lease.model !== model) return true;
  return false;
}

/** A call is granted: its model is in memory from now on. `stays`: another model's call was passed over for it. */
export function foldLoaded(
  swap: Swap,
  { model }: Pick<Lease, "model">,
  stays: boolean,
  atMs: number,
): void {
  if (model === null) return;
  if (model !== swap.model) {
    if (swap.model !== null) swap.count += 1;
    swap.model = model;
    swap.sinceMs = null;
  } else if (stays) swap.sinceMs ??= atMs;
}
