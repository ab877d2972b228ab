import { ErrandError } from "../../core/errors.ts";
import type { Scope } from "../../core/scope.ts";
import type { TaskStatus } from "../../core/task/status.ts";
import type { SqlRow } from "./driver.ts";

function damaged(row: SqlRow, name: string, wanted: string): ErrandError {
  const value = row[name];
  const found = value === null ? "null" : value instanceof Uint8Array ? "bytes" : typeof value;
  return new ErrandError(
    "internal",
    `the store's column ${name} must hold ${wanted}, found ${found}: the file is damaged or another program wrote to it`,
  );
}

/** A text column. Like all of this file: throws `internal` if the column holds anything else. */
export function textOf(row: SqlRow, name: string): string {
  const value = row[name];
  if (typeof value !== "string") throw damaged(row, name, "text");
  return value;
}

/** A text column that may be null. */
export function textOrNull(row: SqlRow, name: string): string | null {
  return row[name] === null ? null : textOf(row, name);
}

/** A number column. */
export function numberOf(row: SqlRow, name: string): number {
  const value = row[name];
  if (typeof value !== "number") throw damaged(row, name, "a number");
  return value;
}

/** A number column that may be null. */
export function numberOrNull(row: SqlRow, name: string): number | null {
  return row[name] === null ? null : numberOf(row, name);
}

/** A column of bytes. */
export function bytesOf(row: SqlRow, name: string): Uint8Array {
  const value = row[name];
  if (!(value instanceof Uint8Array)) throw damaged(row, name, "bytes");
  return value;
}

/** A column that names a scope. */
export function scopeOf(row: SqlRow, name: string): Scope {
  const value = textOf(row, name);
  if (!isScope(value)) throw damaged(row, name, "a scope");
  return value;
}

function isScope(text: string): text is Scope {
  return /^(?:task|session|queue|user)\//.test(text);
}

/** Every status a task row may have. */
export const statuses: readonly TaskStatus[] = [
  "delayed",
  "queued",
  "running",
  "waiting",
  "completed",
  "failed",
  "cancelled",
  "expired",
];

/** A column that holds a task's status. */
export function statusOf(row: SqlRow, name: string): TaskStatus {
  const value = textOf(row, name);
  const status = statuses.find((known) => known === value);
  if (status === undefined) throw damaged(row, name, "a task status");
  return status;
}
