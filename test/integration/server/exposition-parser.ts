/** Reads the text exposition format 0.0.4 as Prometheus does, and refuses what Prometheus would refuse. */

/** One line of a metric. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with its type and all of its lines. */
export interface ParsedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ParsedSample[];
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.e+-]+|[+-]Inf|NaN)$/;
const pairOf = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;

/** The metrics of a text by name. Throws for anything that is not of the format. */
export function parseExposition(text: string): ReadonlyMap<string, ParsedFamily> {
  const families = new Map<string, ParsedFamily & { samples: ParsedSample[] }>();
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  let open: (ParsedFamily & { samples: ParsedSample[] }) | null = null;
  let help: readonly [string, string] | null = null;
  for (const line of text.slice(0, -1).split("\n")) {
    const [, name = "", words = ""] = /^# HELP (\S+) (.*)$/.exec(line) ?? [];
    if (name !== "") {
      help = [name, words];
      continue;
    }
    const [, typed, type = ""] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (typed !== undefined) {
      if (help?.[0] !== typed || families.has(typed)) throw new Error(`misplaced: ${line}`);
      open = { name: typed, help: help[1], type, samples: [] };
      families.set(typed, open);
      continue;
    }
    const sample = sampleOf(line);
    const suffix = open === null ? "?" : sample.name.slice(open.name.length);
    const fits =
      open?.type === "histogram" ? ["_bucket", "_sum", "_count"].includes(suffix) : suffix === "";
    if (open === null || !sample.name.startsWith(open.name) || !fits)
      throw new Error(`not of the metric above: ${line}`);
    open.samples.push(sample);
  }
  for (const family of families.values()) check(family);
  return families;
}

function sampleOf(line: string): ParsedSample {
  const [, name, inner, value] = sampleLine.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  const text = inner ?? "";
  pairOf.lastIndex = 0;
  while (pairOf.lastIndex < text.length) {
    const [, label, quoted] = pairOf.exec(text) ?? [];
    if (label === undefined || quoted === undefined || label in labels)
      throw new Error(`bad labels: ${line}`);
    labels[label] = quoted.replaceAll(/\\(.)/g, (_all, one: string) => (one === "n" ? "\n" : one));
  }
  return { name, labels, value: value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value) };
}

/** No series twice; counters not below 0; buckets cumulative, their last equal to the count. */
function check({ name, type, samples }: ParsedFamily): void {
  const seen = new Set<string>();
  for (const sample of samples) {
    const key = JSON.stringify([sample.name, sample.labels]);
    if (seen.has(key)) throw new Error(`twice: ${key}`);
    seen.add(key);
    if (Number.isNaN(sample.value)) throw new Error(`no number: ${key}`);
    if (type !== "gauge" && sample.value < 0) throw new Error(`below 0: ${key}`);
  }
  if (type !== "histogram") return;
  const buckets = new Map<string, number[]>();
  for (const { name: line, labels, value } of samples) {
    const { le, ...rest } = labels;
    const key = JSON.stringify(rest);
    const list = buckets.get(key) ?? [];
    buckets.set(key, list);
    if (le !== undefined && (list.at(-1) ?? 0) > value)
      throw new Error(`${name} is not cumulative`);
    if (le !== undefined) list.push(value);
    if (line.endsWith("_count") && list.at(-1) !== value)
      throw new Error(`${name}: +Inf and count`);
  }
}
