import { errorData, type ErrorData } from "../errors.ts";
import { slotsMax, type QueueSettings } from "./protocol.ts";

/** Highest rate a queue may be given, in units a minute. */
export const perMinuteMax = 1_000_000_000;

/** Longest that loading a model may be said to take, in ms. */
export const swapMsMax = 600_000;

/** What is wrong with settings of a queue; `null`: nothing. */
export function settingsFault(name: string, settings: QueueSettings): ErrorData | null {
  const { slots, slotsPerKey, requestsPerMinute = null, tokensPerMinute = null } = settings;
  const { swapMs = null } = settings;
  const checks = [
    ["slots", slots, slotsMax],
    ["slotsPerKey", slotsPerKey ?? 1, slotsMax],
    ["requestsPerMinute", requestsPerMinute ?? 1, perMinuteMax],
    ["tokensPerMinute", tokensPerMinute ?? 1, perMinuteMax],
    ["swapMs", swapMs ?? 1, swapMsMax],
  ] as const;
  for (const [field, value, max] of checks) {
    if (Number.isInteger(value) && value >= 1 && value <= max) continue;
    return errorData(
      "invalid_request",
      `${field} of queue ${name} is ${value}, but must be a whole number from 1 to ${max}; configure the queue again`,
    );
  }
  return null;
}

/** True if both say the same. */
export function sameSettings(a: QueueSettings | null, b: QueueSettings): boolean {
  return (
    a !== null &&
    a.slots === b.slots &&
    a.slotsPerKey === b.slotsPerKey &&
    (a.requestsPerMinute ?? null) === (b.requestsPerMinute ?? null) &&
    (a.tokensPerMinute ?? null) === (b.tokensPerMinute ?? null) &&
    (a.swapMs ?? null) === (b.swapMs ?? null)
  );
}
