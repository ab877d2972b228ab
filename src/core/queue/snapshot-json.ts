import { invariant } from "../invariant.ts";

/* Readers of a snapshot: what is not of the kind that was saved is an invariant error. */

/** An object of a snapshot. */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  invariant(typeof value === "object" && value !== null, "a queue's snapshot lacks an object");
  return { ...value };
}

/** A list of a snapshot. */
export function list(value: unknown): readonly unknown[] {
  invariant(Array.isArray(value), "a queue's snapshot lacks a list");
  return value;
}

/** A text of a snapshot. */
export function text(value: unknown): string {
  invariant(typeof value === "string", "a queue's snapshot lacks a text");
  return value;
}

/** A number of a snapshot. */
export function number(value: unknown): number {
  invariant(typeof value === "number", "a queue's snapshot lacks a number");
  return value;
}

/** A number of a snapshot, or `null`. */
export function numberOrNull(value: unknown): number | null {
  return value === null ? null : number(value);
}

/** A band of a snapshot. */
export function bandNumber(value: unknown): 0 | 1 | 2 {
  invariant(value === 0 || value === 1 || value === 2, "a queue's snapshot names a band beyond 2");
  return value;
}
