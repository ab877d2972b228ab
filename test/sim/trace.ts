/** What a run found wrong. `rule` names the broken promise, `detail` the things it was broken for. */
export class BrokenRule extends Error {
  override readonly name = "BrokenRule";
  readonly rule: string;

  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`);
    this.rule = rule;
  }
}

/** Lines a failure shows. */
const tailLines = 60;

/**
 * What happened in a run: a hash over every line, which must be the same when the seed runs again, the last lines
 * for people, and marks that count rare states ("sometimes" assertions).
 */
export class Trace {
  readonly marks = new Map<string, number>();
  #hash = 0x811c9dc5;
  #lines = 0;
  readonly #tail: string[] = [];
  readonly #keepAll: boolean;

  constructor(keepAll = false) {
    this.#keepAll = keepAll;
  }

  /** Number of lines so far. */
  get length(): number {
    return this.#lines;
  }

  /** Hash over all lines so far, in hex. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** Adds a line. It must not hold anything that differs between two runs of a seed. */
  add(line: string): void {
    this.#lines += 1;
    let hash = this.#hash;
    for (let at = 0; at < line.length; at += 1)
      hash = Math.imul(hash ^ line.charCodeAt(at), 0x01000193);
    this.#hash = hash;
    this.#tail.push(line);
    if (!this.#keepAll && this.#tail.length > tailLines * 2) this.#tail.splice(0, tailLines);
  }

  /** Counts a state that some seeds must reach. */
  mark(name: string): void {
    this.marks.set(name, (this.marks.get(name) ?? 0) + 1);
  }

  /** The newest lines. */
  tail(): readonly string[] {
    return this.#keepAll ? this.#tail : this.#tail.slice(-tailLines);
  }
}

/** Fails the run unless `condition` holds. `detail` is made only for a failure. */
export function must(condition: boolean, rule: string, detail: () => string): asserts condition {
  if (!condition) throw new BrokenRule(rule, detail());
}
