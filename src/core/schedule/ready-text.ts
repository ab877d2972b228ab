import { isRecord } from "../json.ts";
import type { ReadyRequest } from "../rows.ts";
import { isTaskOfCall, taskOfCall } from "./request-parts.ts";

/**
 * A waiting call's request as its ready row keeps it: JSON without what nearly every call has in common. A start of a
 * server reads one for each call that waits, so that what is left out is time as well as room. Whatever a newer
 * program adds to a request is kept.
 */
export function readyText(call: string, request: ReadyRequest): string {
  const { task, root, user, weight, band, capTotal, capPerKey, ...rest } = request;
  const kept: Partial<Record<keyof ReadyRequest, unknown>> = rest;
  if (!isTaskOfCall(task, call)) kept.task = task;
  if (root !== task) kept.root = root;
  if (user !== request.key) kept.user = user;
  if (weight !== 1) kept.weight = weight;
  if (band !== 0) kept.band = band;
  if (capTotal !== null) kept.capTotal = capTotal;
  if (capPerKey !== null) kept.capPerKey = capPerKey;
  return JSON.stringify(kept);
}

/** The request of a row, this one or an older one that leaves nothing out; `null` if the text is damaged. */
export function readyRequest(call: string, text: string): ReadyRequest | null {
  const kept: unknown = JSON.parse(text);
  if (!isKept(kept)) return null;
  const { task = taskOfCall(call), key } = kept;
  return {
    weight: 1,
    band: 0,
    capTotal: null,
    capPerKey: null,
    ...kept,
    task,
    root: kept.root ?? task,
    user: kept.user ?? key,
  };
}

/** What every row has; all else has a value that is left out. The check is for damage, not for shape. */
type Kept = Pick<ReadyRequest, "type" | "key" | "cost" | "seq" | "readyAtMs" | "tag"> &
  Partial<ReadyRequest>;

function isKept(value: unknown): value is Kept {
  return isRecord(value) && typeof value["seq"] === "number" && typeof value["key"] === "string";
}
