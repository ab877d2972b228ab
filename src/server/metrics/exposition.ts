/** One number of a metric; `labels` is `{name="value"}` or empty. */
export interface Sample {
  readonly labels: string;
  readonly value: number;
}

/** A counter as Prometheus text. */
export function counter(name: string, help: string, counts: ReadonlyMap<string, number>): string {
  return family(
    name,
    help,
    "counter",
    Array.from(counts, ([labels, value]) => ({ labels, value })),
  );
}

/** A gauge as Prometheus text. */
export function gauge(name: string, help: string, samples: readonly Sample[]): string {
  return family(name, help, "gauge", samples);
}

function family(
  name: string,
  help: string,
  type: "counter" | "gauge",
  samples: readonly Sample[],
): string {
  const lines = samples.map(({ labels, value }) => `${name}${labels} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}
