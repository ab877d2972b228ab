/** One number of a metric; `labels` are values in the order of the metric's label names. */
export interface Sample {
  readonly labels: readonly string[];
  readonly value: number;
}

/**
 * Most series of one metric. Labels are names out of the program and its configuration, a few dozen of them; what
 * comes beyond this many is counted under "other", so that no input can make a metric grow.
 */
export const seriesMax = 500;

/** Seconds at which histograms of times count: from a cached answer to an hour. */
export const secondsBuckets: readonly number[] = [
  0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600,
];

/** One value for each set of labels, of at most {@link seriesMax} sets. */
class Series<T> {
  readonly #fresh: () => T;
  readonly #found = new Map<string, { readonly labels: readonly string[]; readonly value: T }>();

  constructor(fresh: () => T) {
    this.#fresh = fresh;
  }

  of(labels: readonly string[]): T {
    const key = labels.join("\n");
    const known = this.#found.get(key);
    if (known !== undefined) return known.value;
    if (this.#found.size >= seriesMax && labels.some((label) => label !== "other"))
      return this.of(labels.map(() => "other"));
    const value = this.#fresh();
    this.#found.set(key, { labels, value });
    return value;
  }

  [Symbol.iterator](): Iterator<{ readonly labels: readonly string[]; readonly value: T }> {
    return this.#found.values();
  }
}

/** What a metric is called, what it says, and its labels. */
export interface Described {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** A number that only grows, from 0 at the start of the process. */
export class Counter {
  readonly #described: Described;
  readonly #counts = new Series(() => ({ count: 0 }));

  constructor(described: Described) {
    this.#described = described;
  }

  /** Adds to the series of these labels. */
  add(labels: readonly string[], by = 1): void {
    this.#counts.of(labels).count += by;
  }

  /** The counter as Prometheus text. */
  text(): string {
    const { name, labels: names = [] } = this.#described;
    const lines = Array.from(this.#counts, ({ labels, value }) =>
      line(name, names, labels, value.count),
    );
    return head(this.#described, "counter") + lines.join("");
  }
}

/** How often a value came, by its size. */
export class Histogram {
  readonly #described: Described;
  readonly #bounds: readonly number[];
  readonly #series: Series<{ readonly counts: number[]; sum: number; count: number }>;

  constructor(described: Described, bounds: readonly number[] = secondsBuckets) {
    this.#described = described;
    this.#bounds = bounds;
    this.#series = new Series(() => ({ counts: bounds.map(() => 0), sum: 0, count: 0 }));
  }

  /** Counts a value `times` times. */
  observe(labels: readonly string[], value: number, times = 1): void {
    const series = this.#series.of(labels);
    series.sum += value * times;
    series.count += times;
    const at = this.#bounds.findIndex((bound) => value <= bound);
    if (at !== -1) series.counts[at] = (series.counts[at] ?? 0) + times;
  }

  /** The histogram as Prometheus text: cumulative buckets, sum and count. */
  text(): string {
    const { name, labels: names = [] } = this.#described;
    const parts = [head(this.#described, "histogram")];
    for (const { labels, value } of this.#series) {
      let below = 0;
      for (const [at, bound] of this.#bounds.entries()) {
        below += value.counts[at] ?? 0;
        parts.push(line(`${name}_bucket`, [...names, "le"], [...labels, String(bound)], below));
      }
      parts.push(line(`${name}_bucket`, [...names, "le"], [...labels, "+Inf"], value.count));
      parts.push(line(`${name}_sum`, names, labels, value.sum));
      parts.push(line(`${name}_count`, names, labels, value.count));
    }
    return parts.join("");
  }
}

/** Counters whose numbers are kept elsewhere, as Prometheus text. */
export function counter(described: Described, samples: readonly Sample[]): string {
  return family(described, "counter", samples);
}

/** A gauge as Prometheus text. */
export function gauge(described: Described, samples: readonly Sample[]): string {
  return family(described, "gauge", samples);
}

function family(
  described: Described,
  type: "counter" | "gauge",
  samples: readonly Sample[],
): string {
  const { name, labels: names = [] } = described;
  const lines = samples
    .slice(0, seriesMax)
    .map(({ labels, value }) => line(name, names, labels, value));
  return head(described, type) + lines.join("");
}

function head({ name, help }: Described, type: "counter" | "gauge" | "histogram"): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function line(
  name: string,
  names: readonly string[],
  labels: readonly string[],
  value: number,
): string {
  if (names.length === 0) return `${name} ${value}\n`;
  const pairs = names.map((label, at) => `${label}="${escaped(labels[at] ?? "")}"`);
  return `${name}{${pairs.join(",")}} ${value}\n`;
}

function escaped(label: string): string {
  return label.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
