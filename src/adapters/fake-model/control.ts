import { isRecord } from "../../core/json.ts";
import type { Pace } from "./chat-stream.ts";
import { type Fault, readFault } from "./faults.ts";

/** A change of the running server; everything is optional. */
export interface Control {
  /** Forgets the log, the waiting faults and the highest number of running calls, before all else. */
  readonly reset?: boolean;
  readonly pace?: Partial<Pace>;
  /** 0 holds every request until there are more. */
  readonly slots?: number;
  /** Played on the next requests in this order, each on `times` of them. */
  readonly faults?: readonly Fault[];
}

/** Reads the body of `POST /control`: `{reset, slots, pace: {ttftMs, tokensPerSecond}, faults: [{kind, times, ...}]}`. */
export function readControl(body: unknown): Control | string {
  if (!isRecord(body)) return "the body must be a JSON object";
  const { reset, slots, pace, faults, ...rest } = body;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return `there is nothing called "${unknown}" to control`;
  if (reset !== undefined && typeof reset !== "boolean") return "reset must be true or false";
  if (slots !== undefined && !isCount(slots, 0)) return "slots must be a number from 0";
  const readFaults = faults === undefined ? [] : readFaultList(faults);
  if (typeof readFaults === "string") return readFaults;
  const readPace = pace === undefined ? {} : paceOf(pace);
  if (typeof readPace === "string") return readPace;
  return {
    ...(reset === undefined ? {} : { reset }),
    ...(slots === undefined ? {} : { slots }),
    pace: readPace,
    faults: readFaults,
  };
}

/** A queued fault hits one request unless told otherwise; one in a prompt hits all of them. */
function readFaultList(faults: unknown): readonly Fault[] | string {
  if (!Array.isArray(faults)) return "faults must be an array";
  const read: Fault[] = [];
  for (const item of faults) {
    if (!isRecord(item)) return "each fault must be an object with a kind";
    const { kind, ...settings } = item;
    const fault = readFault(kind, { times: 1, ...settings });
    if (typeof fault === "string") return fault;
    read.push(fault);
  }
  return read;
}

function paceOf(pace: unknown): Partial<Pace> | string {
  if (!isRecord(pace)) return "pace must be an object";
  const { ttftMs, tokensPerSecond } = pace;
  if (ttftMs !== undefined && !isCount(ttftMs, 0)) return "ttftMs must be a number from 0";
  if (tokensPerSecond !== undefined && !isCount(tokensPerSecond, 0))
    return "tokensPerSecond must be a number from 0";
  return {
    ...(ttftMs === undefined ? {} : { ttftMs }),
    ...(tokensPerSecond === undefined ? {} : { tokensPerSecond }),
  };
}

function isCount(value: unknown, min: number): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= min;
}
