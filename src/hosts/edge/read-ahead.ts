import type { Delta, Models } from "../../ports/models.ts";

/** What is read ahead of its reader at most, in characters: then the model's socket waits. */
export const aheadCharsMax: number = 65_536;

/** Characters of a delta that has no text, about. */
const otherChars = 1_000;

type Batch = readonly Delta[];

/**
 * Models whose answers are read while what came before is stored: a read of this platform gives one chunk of a body, most
 * often one token, however many have come. Whoever waits 15 ms for a commit behind each of them, or longer in a busy
 * object, would fall behind a fast model more and more (SPEC HOME14). Order and failures stay as they are; who stops
 * reading closes the socket at once.
 */
export function readAhead(models: Models): Models {
  const ahead: Models = {
    stream: (call, { signal }) => {
      const stop = new AbortController();
      const own = AbortSignal.any([signal, stop.signal]);
      return new Ahead(models.stream(call, { signal: own }), stop);
    },
    list: (options) => models.list(options),
    embed: (call, options) => models.embed(call, options),
  };
  if (models.probe === undefined) return ahead;
  return {
    ...ahead,
    probe: async (model, options) => (await models.probe?.(model, options)) ?? null,
  };
}

class Ahead implements AsyncIterableIterator<Batch, undefined> {
  readonly #source: AsyncIterator<Batch>;
  readonly #stop: AbortController;
  #waiting: Delta[] = [];
  #chars = 0;
  #begun = false;
  #isOver = false;
  #failure: { readonly error: unknown } | null = null;
  /** Called when something has come, or all of it. */
  #came: () => void = () => {};
  /** Called when there is room again. */
  #taken: () => void = () => {};

  constructor(source: AsyncIterable<Batch>, stop: AbortController) {
    this.#source = source[Symbol.asyncIterator]();
    this.#stop = stop;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Batch, undefined>> {
    if (!this.#begun) {
      this.#begun = true;
      void this.#read();
    }
    if (this.#waiting.length === 0 && !this.#isOver)
      await new Promise<void>((resolve) => (this.#came = resolve));
    if (this.#waiting.length > 0) {
      const value = this.#waiting;
      this.#waiting = [];
      this.#chars = 0;
      this.#taken();
      return { done: false, value };
    }
    if (this.#failure !== null) throw this.#failure.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Batch, undefined>> {
    const wasOver = this.#isOver;
    this.#waiting = [];
    this.#over();
    this.#taken();
    // A read is under way: it ends by the signal, and what it says then concerns nobody.
    if (!wasOver) this.#stop.abort();
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  #over(): void {
    this.#isOver = true;
    this.#came();
  }

  /** Reads to the end. Never rejects. */
  async #read(): Promise<void> {
    try {
      while (!this.#isOver) {
        // oxlint-disable-next-line no-await-in-loop -- One read after the other.
        const { done, value } = await this.#source.next();
        if (done === true || this.#isOver) break;
        this.#put(value);
        if (this.#chars >= aheadCharsMax)
          // oxlint-disable-next-line no-await-in-loop
          await new Promise<void>((resolve) => (this.#taken = resolve));
      }
    } catch (error) {
      if (!this.#isOver) this.#failure = { error };
    }
    this.#over();
  }

  #put(deltas: Batch): void {
    for (const delta of deltas) {
      this.#waiting.push(delta);
      this.#chars += "text" in delta ? delta.text.length : otherChars;
    }
    this.#came();
  }
}
