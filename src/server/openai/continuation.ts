import { OpenAiRefusal } from "./errors.ts";

/**
 * One text that is said to a client who cannot be told to forget. After a reset it is said again from there: what is
 * the same as before is passed over, and the client goes on where it was. If it turns out differently, nothing true can
 * be added to what the client has, and {@link take} throws `conflict`.
 */
export class Continuation {
  #said = "";
  #at = 0;

  /** What the client has been told. */
  get said(): string {
    return this.#said;
  }

  /** Told text is being said again. */
  get isRepeating(): boolean {
    return this.#at < this.#said.length;
  }

  /** The next piece of the text; answers what of it is new to the client, often all of it. */
  take(text: string): string {
    const { length } = this.#said;
    if (this.#at === length) {
      this.#said += text;
      this.#at += text.length;
      return text;
    }
    const known = this.#said.slice(this.#at, this.#at + text.length);
    if (!text.startsWith(known)) throw diverged();
    const fresh = text.slice(known.length);
    this.#at += known.length;
    return fresh === "" ? "" : this.take(fresh);
  }

  /** The text is void from `offset` on, and will be said again. */
  back(offset: number): void {
    if (offset > this.#at) throw diverged();
    this.#at = offset;
  }

  /** The whole text, at its end; answers what the client has not been told of it. */
  finish(whole: string): string {
    if (!whole.startsWith(this.#said)) throw diverged();
    const fresh = whole.slice(this.#said.length);
    this.#said = whole;
    this.#at = whole.length;
    return fresh;
  }
}

function diverged(): OpenAiRefusal {
  return new OpenAiRefusal(
    "conflict",
    "the answer had to begin again and turned out differently from what was sent: ask for it again, or read the task that x-errand-task names",
    "answer_diverged",
  );
}
