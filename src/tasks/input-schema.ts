import { isChatId, isName } from "../core/ids.ts";
import { isRecord } from "../core/json.ts";
import { isZone, type Schema, type SchemaResult } from "../engine/index.ts";

/** What is wrong with a field: where, and in words. */
export interface Issue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A value that was read, or everything that is wrong with it. */
export type FieldResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

/** Reads one field of data from outside. `optional` fields may be left out. */
export interface Field<T> {
  readonly optional?: true;
  read(value: unknown): FieldResult<T>;
}

/** What an object of these fields is, when it was read. */
export type FieldsOf<F> = {
  readonly [K in keyof F as F[K] extends { optional: true } ? never : K]: F[K] extends Field<
    infer T
  >
    ? T
    : never;
} & {
  readonly [K in keyof F as F[K] extends { optional: true } ? K : never]?: F[K] extends Field<
    infer T
  >
    ? T
    : never;
};

function wrong(message: string): { readonly issues: readonly Issue[] } {
  return { issues: [{ path: [], message }] };
}

/** Text of `min..max` characters (UTF-16 units); text of white space only counts as empty. */
export function text(range: { readonly min: number; readonly max: number }): Field<string> {
  const { min, max } = range;
  return {
    read(value) {
      if (typeof value !== "string") return wrong(`must be text, got ${kindOf(value)}`);
      if (value.length > max)
        return wrong(`must have at most ${max} characters, has ${value.length}`);
      if (value.trim().length < min)
        return wrong(min === 1 ? "must not be empty" : `must have at least ${min} characters`);
      return { value };
    },
  };
}

/** A whole number of `min..max`. */
export function wholeNumber(range: { readonly min: number; readonly max: number }): Field<number> {
  const { min, max } = range;
  return {
    read(value) {
      if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max)
        return { value };
      return wrong(`must be a whole number of ${min}..${max}, got ${shown(value)}`);
    },
  };
}

/** A session's id. */
export function chatId(): Field<string> {
  return {
    read(value) {
      if (typeof value === "string" && isChatId(value)) return { value };
      return wrong(`must be a session's id, got ${shown(value)}`);
    },
  };
}

/** True or false. */
export function flag(): Field<boolean> {
  return {
    read: (value) =>
      typeof value === "boolean" ? { value } : wrong(`must be true or false, got ${shown(value)}`),
  };
}

/** A name, as of a role: 1..100 of letters, digits and `_ . : -`. */
export function name(): Field<string> {
  return {
    read(value) {
      if (typeof value === "string" && isName(value)) return { value };
      return wrong(`must be 1..100 of letters, digits and "_ . : -", got ${shown(value)}`);
    },
  };
}

/** The IANA name of a time zone. */
export function zone(): Field<string> {
  return {
    read(value) {
      if (typeof value === "string" && isZone(value)) return { value };
      return wrong(`must be an IANA time zone, got ${shown(value)}`);
    },
  };
}

/** A list of at most `max` items. */
export function listOf<T>(item: Field<T>, max: number): Field<readonly T[]> {
  return {
    read(value) {
      if (!Array.isArray(value)) return wrong(`must be a list, got ${kindOf(value)}`);
      if (value.length > max) return wrong(`must have at most ${max} items, has ${value.length}`);
      const read: T[] = [];
      const issues: Issue[] = [];
      for (const [index, inner] of value.entries()) {
        const result = item.read(inner);
        if (result.issues === undefined) read.push(result.value);
        else issues.push(...below(index, result.issues));
      }
      return issues.length > 0 ? { issues } : { value: read };
    },
  };
}

/** A field that may be left out. */
export function optional<T>(field: Field<T>): Field<T> & { readonly optional: true } {
  return { ...field, optional: true };
}

/** An object of exactly these fields: one that is not known is an error, because it is most often a slip of the pen. */
export function object<F extends Readonly<Record<string, Field<unknown>>>>(
  fields: F,
): Field<FieldsOf<F>> {
  return {
    read(value) {
      if (!isRecord(value)) return wrong(`must be an object, got ${kindOf(value)}`);
      const { read, issues } = readFields(fields, value);
      for (const key of Object.keys(value)) {
        if (Object.hasOwn(fields, key)) continue;
        const known = Object.keys(fields).join(", ");
        issues.push({ path: [key], message: `is not known; known are ${known}` });
      }
      return areRead(fields, read, issues) ? { value: read } : { issues };
    },
  };
}

function readFields(
  fields: Readonly<Record<string, Field<unknown>>>,
  value: Readonly<Record<string, unknown>>,
): { readonly read: unknown; readonly issues: Issue[] } {
  const read: Record<string, unknown> = {};
  const issues: Issue[] = [];
  for (const [key, field] of Object.entries(fields)) {
    const inner = value[key];
    if (inner === undefined) {
      if (field.optional !== true) issues.push({ path: [key], message: "is missing" });
      continue;
    }
    const result = field.read(inner);
    if (result.issues === undefined) read[key] = result.value;
    else issues.push(...below(key, result.issues));
  }
  return { read, issues };
}

/** Without an issue every field was read by its own reader: that makes the object what its fields say. */
function areRead<F>(fields: F, read: unknown, issues: readonly Issue[]): read is FieldsOf<F> {
  return isRecord(read) && isRecord(fields) && issues.length === 0;
}

/** A field as the engine takes it: Standard Schema v1. */
export function schema<T>(field: Field<T>): Schema<T> {
  return { "~standard": { validate: (value): SchemaResult<T> => field.read(value) } };
}

function below(key: string | number, issues: readonly Issue[]): Issue[] {
  return issues.map(({ path, message }) => ({ path: [key, ...path], message }));
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value;
}

function shown(value: unknown): string {
  return typeof value === "number" || typeof value === "string"
    ? JSON.stringify(value).slice(0, 40)
    : kindOf(value);
}
