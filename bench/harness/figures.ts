/** Median of some numbers; 0 for none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Value below which a share (0..1) of the numbers lies; 0 for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** A number as people read it: whole above 100, two digits below. */
export function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}

/** `median [least-most]` of the passes of one figure. */
export function spread(values: readonly number[]): string {
  return `${shown(median(values))} [${shown(Math.min(...values))}-${shown(Math.max(...values))}]`;
}

/** Figures of one pass, by name. */
export type Figures = Readonly<Record<string, number>>;

/** Passes of all subjects of a bench, gathered as they come. */
export class Passes {
  readonly #passes = new Map<string, Figures[]>();

  /** Keeps a pass and says what it gave. */
  add(subject: string, figures: Figures): void {
    this.#passes.set(subject, [...(this.#passes.get(subject) ?? []), figures]);
    const told = Object.entries(figures).map(([name, value]) => `${name} ${shown(value)}`);
    process.stdout.write(`${subject}: ${told.join(", ")}\n`);
  }

  /** Values of one figure of a subject, in the order of its passes. */
  values(subject: string, figure: string): number[] {
    return (this.#passes.get(subject) ?? []).flatMap((pass) => pass[figure] ?? []);
  }

  /**
   * One subject's figure over another's, pass by pass: both saw the same machine, so that the ratio is steadier than
   * either number.
   */
  ratio(figure: string, of: string, to: string): string {
    const divisors = this.values(to, figure);
    const ratios = this.values(of, figure).map(
      (value, pass) => value / (divisors[pass] ?? Number.NaN),
    );
    return `${figure}: ${of} / ${to} = ${spread(ratios)}\n`;
  }

  /** One subject's figure less another's, pass by pass. */
  difference(figure: string, of: string, to: string): string {
    const base = this.values(to, figure);
    const differences = this.values(of, figure).map(
      (value, pass) => value - (base[pass] ?? Number.NaN),
    );
    return `${figure}: ${of} - ${to} = ${spread(differences)}\n`;
  }

  /** A table of medians with spread. */
  table(): string {
    const names = [
      ...new Set([...this.#passes.values()].flat().flatMap((pass) => Object.keys(pass))),
    ];
    const rows = [...this.#passes.keys()].map((subject) => {
      const cells = names.map((name) => {
        const values = this.values(subject, name);
        return values.length === 0 ? "" : spread(values);
      });
      return `| ${[subject, ...cells].join(" | ")} |\n`;
    });
    return `\n| subject | ${names.join(" | ")} |\n|${" --- |".repeat(names.length + 1)}\n${rows.join("")}\n`;
  }
}
