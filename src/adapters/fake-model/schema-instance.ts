import { isRecord } from "../../core/json.ts";
import { planPart } from "./demo-text.ts";

/** What an instance is made from. */
export interface InstanceSource {
  /** The text that the values are about. */
  readonly question: string;
  /** Length of an array called `subtasks`; the schema's own minItems and maxItems win. */
  readonly subtasks: number;
}

type Schema = Readonly<Record<string, unknown>>;

interface Place {
  readonly root: Schema;
  readonly source: InstanceSource;
  /** Name of the property that is being filled. */
  readonly name: string;
  /** Position in the innermost array. */
  readonly index: number;
  readonly depth: number;
  /** Values and characters that the whole instance may still have. */
  readonly room: { values: number; chars: number };
}

/** Schemas may refer to themselves; below this depth everything is null. */
const depthMax = 24;

/** Most values of one instance, however many its schema asks for: what is behind them is null, or left out. */
const valuesMax = 10_000;
/** Most characters of all strings that a schema wants longer than they are. */
const padCharsMax = 100_000;

/**
 * A deterministic instance of a JSON schema, of limited size. Understood: type, properties, required, items, prefixItems, minItems,
 * maxItems, enum, const, minimum, maximum, exclusiveMinimum, minLength, maxLength, format (date, time, email, uri,
 * uuid), anyOf, oneOf, allOf and local $ref. Patterns are not.
 */
export function instanceOf(schema: unknown, source: InstanceSource): unknown {
  const root = isRecord(schema) ? schema : {};
  return valueOf(root, {
    root,
    source,
    name: "",
    index: 0,
    depth: 0,
    room: { values: valuesMax, chars: padCharsMax },
  });
}

function valueOf(open: Schema, place: Place): unknown {
  if (place.depth > depthMax || place.room.values <= 0) return null;
  place.room.values -= 1;
  const schema = resolve(open, place);
  if ("const" in schema) return schema["const"];
  const choices = schema["enum"];
  if (Array.isArray(choices)) return choices[place.index % choices.length] ?? null;
  switch (typeOf(schema)) {
    case "object":
      return objectOf(schema, place);
    case "array":
      return arrayOf(schema, place);
    case "integer":
    case "number":
      return numberOf(schema, place);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return stringOf(schema, place);
  }
}

/** Follows references and takes the first alternative that is not null; allOf is merged, while there is room. */
function resolve(schema: Schema, place: Place, depth = 0): Schema {
  let at = schema;
  for (let steps = 0; steps < depthMax; steps++) {
    const next = referenced(at, place.root) ?? alternative(at);
    if (next === undefined) break;
    at = next;
  }
  const all = at["allOf"];
  if (!Array.isArray(all)) return at;
  const parts: Schema[] = [];
  for (const part of all.filter(isRecord)) {
    if (depth >= depthMax || place.room.values <= 0) break;
    place.room.values -= 1;
    parts.push(resolve(part, place, depth + 1));
  }
  return {
    ...Object.assign({}, at, ...parts),
    properties: Object.assign({}, ...[at, ...parts].map(propertiesOf)),
    required: [at, ...parts].flatMap(requiredOf),
    allOf: undefined,
  };
}

function referenced(schema: Schema, root: Schema): Schema | undefined {
  const reference = schema["$ref"];
  if (typeof reference !== "string" || !reference.startsWith("#")) return undefined;
  let at: unknown = root;
  for (const part of reference.split("/").slice(1))
    at = isRecord(at) ? at[decoded(part)] : undefined;
  return isRecord(at) ? at : {};
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Not percent-encoded: the name as it stands.
    return part;
  }
}

function alternative(schema: Schema): Schema | undefined {
  const options = schema["anyOf"] ?? schema["oneOf"];
  if (!Array.isArray(options)) return undefined;
  const records = options.filter(isRecord);
  return records.find((option) => option["type"] !== "null") ?? records[0];
}

function typeOf(schema: Schema): string {
  const type = schema["type"];
  const first: unknown = Array.isArray(type) ? type.find((one) => one !== "null") : type;
  if (typeof first === "string") return first;
  if (isRecord(schema["properties"])) return "object";
  return isRecord(schema["items"]) ? "array" : "string";
}

/** All properties, not only the required ones: a demo should show what is possible. */
function objectOf(schema: Schema, place: Place): object {
  const properties = Object.entries(propertiesOf(schema)).slice(0, place.room.values);
  return Object.fromEntries(
    properties.map(([name, inner]) => [
      name,
      valueOf(isRecord(inner) ? inner : {}, { ...place, name, depth: place.depth + 1 }),
    ]),
  );
}

function arrayOf(schema: Schema, place: Place): readonly unknown[] {
  const fixed = schema["prefixItems"];
  const count = Array.isArray(fixed)
    ? fixed.length
    : within(place.name === "subtasks" ? place.source.subtasks : 2, schema, "minItems", "maxItems");
  return Array.from({ length: Math.min(count, place.room.values) }, (_, index) => {
    const item: unknown = Array.isArray(fixed) ? fixed[index] : schema["items"];
    return valueOf(isRecord(item) ? item : {}, { ...place, index, depth: place.depth + 1 });
  });
}

function numberOf(schema: Schema, place: Place): number {
  const above = schema["exclusiveMinimum"];
  const start = typeof above === "number" ? above + 1 : place.index + 1;
  return within(start, schema, "minimum", "maximum");
}

const formats: ReadonlyMap<unknown, string> = new Map([
  ["date-time", "2026-01-02T03:04:05Z"],
  ["date", "2026-01-02"],
  ["time", "03:04:05Z"],
  ["email", "demo@example.com"],
  ["uri", "https://example.com/demo"],
  ["uuid", "00000000-0000-4000-8000-000000000001"],
]);

function stringOf(schema: Schema, place: Place): string {
  const formatted = formats.get(schema["format"]);
  if (formatted !== undefined) return formatted;
  const part = planPart(place.source.question, place.index);
  const text = /(?:^id$|Id$|_id$)/.test(place.name) ? `part-${place.index + 1}` : `${part}.`;
  const length = within(text.length, schema, "minLength", "maxLength");
  const added = Math.min(Math.max(0, length - text.length), place.room.chars);
  place.room.chars -= added;
  return text.slice(0, length) + ".".repeat(added);
}

function within(value: number, schema: Schema, lowest: string, highest: string): number {
  const low = schema[lowest];
  const high = schema[highest];
  const raised = typeof low === "number" ? Math.max(value, low) : value;
  return typeof high === "number" ? Math.min(raised, high) : raised;
}

function propertiesOf(schema: Schema): Schema {
  return isRecord(schema["properties"]) ? schema["properties"] : {};
}

function requiredOf(schema: Schema): readonly unknown[] {
  return Array.isArray(schema["required"]) ? schema["required"] : [];
}
