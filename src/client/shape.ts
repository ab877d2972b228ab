import type { Json, JsonObject } from "../core/json.ts";

/** Thrown when data from outside has not the promised shape. `message` names the place, the value and what was expected. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/**
 * Reads the fields of one object from outside, so that no value is ever cast. A field that is absent reads like
 * null. Every reader throws {@link ShapeError} on another type.
 */
export interface Fields {
  text(name: string): string;
  textOrNull(name: string): string | null;
  number(name: string): number;
  numberOrNull(name: string): number | null;
  flag(name: string): boolean;
  oneOf<const T extends string>(name: string, accepted: readonly T[]): T;
  /** Any JSON; null when absent. */
  json(name: string): Json;
  has(name: string): boolean;
  object(name: string): Fields;
  objectOrNull(name: string): Fields | null;
  /** Reads each item of a list; an absent list is empty. */
  list<T>(name: string, read: (item: unknown, at: string) => T): readonly T[];
}

/** Opens an object for reading. `at` names it in error messages. */
export function fieldsOf(value: unknown, at: string): Fields {
  if (!isObject(value)) throw mismatch(at, value, "an object");
  return new ObjectFields(value, at);
}

/** Reads a text that is not a field of an object, for lists of texts. */
export function textAt(value: unknown, at: string): string {
  if (typeof value !== "string") throw mismatch(at, value, "a text");
  return value;
}

/** True for a JSON object: neither null nor a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads JSON text; throws {@link ShapeError} that names `at`. */
export function parseJson(text: string, at: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw mismatch(at, text, "JSON");
  }
}

class ObjectFields implements Fields {
  readonly #values: JsonObject;
  readonly #at: string;

  constructor(values: JsonObject, at: string) {
    this.#values = values;
    this.#at = at;
  }

  text(name: string): string {
    return textAt(this.json(name), this.#path(name));
  }

  textOrNull(name: string): string | null {
    return this.json(name) === null ? null : this.text(name);
  }

  number(name: string): number {
    const value = this.json(name);
    if (typeof value !== "number") throw mismatch(this.#path(name), value, "a number");
    return value;
  }

  numberOrNull(name: string): number | null {
    return this.json(name) === null ? null : this.number(name);
  }

  flag(name: string): boolean {
    return this.json(name) === true;
  }

  oneOf<const T extends string>(name: string, accepted: readonly T[]): T {
    const value = this.json(name);
    const found = accepted.find((word) => word === value);
    if (found === undefined) {
      throw mismatch(this.#path(name), value, `one of ${accepted.join(", ")}`);
    }
    return found;
  }

  json(name: string): Json {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? null) : null;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#values, name);
  }

  object(name: string): Fields {
    return fieldsOf(this.json(name), this.#path(name));
  }

  objectOrNull(name: string): Fields | null {
    return this.json(name) === null ? null : this.object(name);
  }

  list<T>(name: string, read: (item: unknown, at: string) => T): readonly T[] {
    const value = this.json(name);
    if (value === null) return [];
    if (!Array.isArray(value)) throw mismatch(this.#path(name), value, "a list");
    return value.map((item: unknown, index) => read(item, `${this.#path(name)}[${index}]`));
  }

  #path(name: string): string {
    return `${this.#at}.${name}`;
  }
}

/** Longest piece of a wrong value that an error message quotes. */
const quotedCharsMax = 60;

function mismatch(at: string, value: unknown, expected: string): ShapeError {
  const text = (typeof value === "string" ? value : JSON.stringify(value)) ?? "nothing";
  const shown = text.length > quotedCharsMax ? `${text.slice(0, quotedCharsMax)}...` : text;
  return new ShapeError(`${at} must be ${expected}, got ${shown}`);
}
