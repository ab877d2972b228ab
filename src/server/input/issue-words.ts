import type { z } from "@hono/zod-openapi";

/** Characters of a wrong value that are repeated in an answer. */
const valueCharsMax = 60;

/** How the words for a value that is not there begin. */
const missing = "is missing";

type Raw = z.core.$ZodRawIssue;

/** What a value is asked to be, by the schema's word for it. */
const kinds: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/**
 * What is wrong with a field: what it must be, with the accepted range, and what it was. Zod's own words are left out where
 * its locales are, and name neither. `undefined` where a schema has words of its own.
 */
export function issueWords(issue: Raw): string | undefined {
  const must = mustBe(issue);
  if (must === undefined) return undefined;
  if (issue.input === undefined) return `${missing}: ${must}`;
  return `${must}, got ${shown(issue.input)}`;
}

/** True if the words say that there is no value at all. */
export function saysMissing(words: string): boolean {
  return words.startsWith(missing);
}

function mustBe(issue: Raw): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${kinds[String(issue.expected)] ?? String(issue.expected)}`;
    case "invalid_value":
      return oneOf(issue.values);
    case "too_small":
    case "too_big":
      return `must ${rangeOf(issue)}`;
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "invalid_format":
      return `must have the form ${issue.pattern ?? issue.format}`;
    case "invalid_union":
      return unionOf(issue.errors);
    default:
      return undefined;
  }
}

function oneOf(values: readonly unknown[] | undefined): string {
  const words = (values ?? []).map(shown);
  return words.length === 1 ? `must be ${words[0]}` : `must be one of ${words.join(", ")}`;
}

/** The whole range that the schema accepts, not only the end that was passed. */
function rangeOf(issue: Extract<Raw, { code?: "too_small" | "too_big" }>): string {
  const { least, most } = boundsOf(issue);
  const range =
    least === undefined
      ? `at most ${most}`
      : most === undefined
        ? `at least ${least}`
        : `${least}..${most}`;
  if (issue.origin === "string") return `have ${range} characters`;
  if (issue.origin === "array" || issue.origin === "set") return `have ${range} entries`;
  return `be ${range}`;
}

interface Bounds {
  readonly least?: number;
  readonly most?: number;
}

/** Ends of a range by what the schema checks; those that only keep a number whole are none to tell. */
function boundsOf(issue: Extract<Raw, { code?: "too_small" | "too_big" }>): Bounds {
  let bounds: Bounds =
    issue.code === "too_big" ? { most: Number(issue.maximum) } : { least: Number(issue.minimum) };
  // oxlint-disable-next-line no-underscore-dangle -- Zod's name for what a schema is made of.
  const checks: readonly z.core.$ZodCheck[] = issue.schema?._zod.def.checks ?? [];
  for (const { _zod: check } of checks) {
    // Each kind of check has its own fields beside its name.
    const def: Readonly<Record<string, unknown>> = { ...check.def };
    const value = Number(def["value"] ?? def["minimum"] ?? def["maximum"]);
    if (def["check"] === "greater_than" || def["check"] === "min_length")
      bounds = { ...bounds, least: value };
    else if (def["check"] === "less_than" || def["check"] === "max_length")
      bounds = { ...bounds, most: value };
  }
  return bounds;
}

/** A union is what one of its parts is. Parts that want other things of the same kind say so once. */
function unionOf(errors: readonly (readonly z.core.$ZodIssue[])[]): string {
  const parts = errors.map(([first]) =>
    first === undefined || first.path.length > 0 ? "another shape" : wanted(first),
  );
  return `must be ${[...new Set(parts)].join(" or ")}`;
}

function wanted(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return kinds[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return issue.values.map(shown).join(" or ");
  return "of another length";
}

/** A value as it is repeated: short, and a structure only by its kind. */
function shown(value: unknown): string {
  if (typeof value === "string") {
    const text = value.length > valueCharsMax ? `${value.slice(0, valueCharsMax)}...` : value;
    return JSON.stringify(text);
  }
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `${value.length} entries`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
