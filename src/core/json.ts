/** Plain JSON: what a log, a row and a door may hold. No class instance, `undefined` or `Date` is ever stored. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/**
 * JSON with object keys in code-unit order, so that equal values have equal text on every host.
 * Used for idempotency body hashes, tool argument hashes and the hash of a model prompt.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value))
    return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const parts: string[] = [];
    for (const [key, inner] of Object.entries(value).sort(([a], [b]) =>
      a < b ? -1 : a > b ? 1 : 0,
    )) {
      if (inner !== undefined) parts.push(`${JSON.stringify(key)}:${canonicalJson(inner)}`);
    }
    return `{${parts.join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}

/** Depth of a JSON value: a scalar is 0, `[]` and `{}` are 1. Iterative, so that a deep value cannot overflow the stack. */
export function jsonDepth(value: unknown): number {
  let depthMax = 0;
  const open: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (item.depth > depthMax) depthMax = item.depth;
    if (typeof item.value !== "object" || item.value === null) continue;
    const depth = item.depth + 1;
    if (depth > depthMax) depthMax = depth;
    for (const inner of Object.values(item.value)) open.push({ value: inner, depth });
  }
  return depthMax;
}

/** True for an object that is no array: the first step of reading data from outside. Its values are not checked. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
