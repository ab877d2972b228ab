import { resultCharsMax } from "../core/limits.ts";
import type { SpeedSeen } from "../core/schedule/speeds.ts";
import type { CallResult, PartialAnswer } from "../core/task/events.ts";
import { ModelError, type Delta } from "../ports/models.ts";

/** Text beyond this is not gone on with: it would be sent again and again. */
const partialCharsMax = resultCharsMax / 4;

/**
 * A model's answer as it comes, from its beginning or from where an earlier slot had left it. What it holds is what the
 * task keeps: the text of all slots as one.
 */
export class Answer {
  readonly #from: PartialAnswer | null;
  readonly #text: string[] = [];
  readonly #reasoning: string[] = [];
  readonly #toolCalls: { id: string; name: string; input: unknown }[] = [];
  readonly #maxTokens: number;
  #chars = 0;
  #tokens = 0;
  #usage: CallResult["usage"];
  #finish: CallResult["finish"] | null = null;
  #firstMs: number | null = null;
  #lastMs = 0;
  /** Something of it has come, be it thought only. */
  hasBegun = false;
  #begunMs = 0;
  /** White space at the end of the text so far, which was not sent and may be said again. */
  #trail: string;

  constructor(from: PartialAnswer | null, maxTokens: number | undefined) {
    this.#from = from;
    this.#maxTokens = maxTokens ?? Infinity;
    this.#trail = from === null ? "" : trailOf(from.text);
  }

  /** Takes what arrived; answers what is shown of it. */
  take(deltas: readonly Delta[], nowMs: number): { type: "text" | "reasoning"; text: string }[] {
    const shown: { type: "text" | "reasoning"; text: string }[] = [];
    if (!this.hasBegun && deltas.some(isSaid)) {
      this.hasBegun = true;
      this.#begunMs = nowMs;
    }
    this.#lastMs = nowMs;
    for (const delta of deltas) {
      if (delta.type === "text") {
        this.#firstMs ??= nowMs;
        this.#tokens += 1;
        const text = this.#trail === "" ? delta.text : this.#behindTrail(delta.text);
        this.#chars += text.length;
        this.#text.push(text);
        shown.push({ type: "text", text });
      } else if (delta.type === "reasoning") {
        this.#reasoning.push(delta.text);
        shown.push(delta);
      } else if (delta.type === "toolCall") this.#toolCalls.push(delta.call);
      else if (delta.type === "usage")
        this.#usage = { inputTokens: delta.inputTokens, outputTokens: delta.outputTokens };
      else this.#finish = delta.reason;
    }
    return shown;
  }

  /** Never can be gone on with: it has thought, called a tool, ended, or said too much. */
  get isBound(): boolean {
    const chars = this.#chars + (this.#from?.text.length ?? 0);
    return (
      this.#reasoning.length > 0 ||
      this.#toolCalls.length > 0 ||
      this.#finish !== null ||
      chars > partialCharsMax ||
      this.#tokens + (this.#from?.tokens ?? 0) >= this.#maxTokens
    );
  }

  /** All of it has come. */
  get isWhole(): boolean {
    return this.#finish !== null;
  }

  /** Can be stopped here and gone on with: something was said in this slot, so that each brings it forward. */
  get canStop(): boolean {
    return this.#chars > 0 && !this.isBound;
  }

  /** All that was said so far, to be gone on from. */
  partial(nowMs: number): PartialAnswer {
    const before = this.#from ?? { text: "", tokens: 0, ran: 0 };
    const ran = this.#firstMs === null ? 0 : (nowMs - this.#firstMs) / 1_000;
    return {
      text: before.text + this.#text.join(""),
      tokens: before.tokens + this.#tokens,
      ran: Math.round((before.ran + ran) * 1_000) / 1_000,
    };
  }

  /** How fast a whole answer was, as far as its endpoint has counted it; nothing of one that went on from an earlier slot. */
  speedOf(model: string, askedMs: number): { readonly speed?: SpeedSeen } {
    if (this.#from !== null || this.#usage === undefined || !this.hasBegun) return {};
    const { inputTokens: input, outputTokens: output } = this.#usage;
    const firstMs = this.#begunMs - askedMs;
    return { speed: { model, input, firstMs, output, writeMs: this.#lastMs - this.#begunMs } };
  }

  /** The answer at its end. Throws `broken` if it has none. */
  result(): CallResult {
    const { finish } = this.#ending();
    const reasoning = this.#reasoning.join("");
    return {
      text: (this.#from?.text ?? "") + this.#text.join(""),
      finish,
      ...(reasoning === "" ? {} : { reasoning }),
      ...(this.#toolCalls.length === 0 ? {} : { toolCalls: this.#toolCalls }),
      ...(this.#usage === undefined ? {} : { usage: this.#whole(this.#usage) }),
    };
  }

  #ending(): { finish: CallResult["finish"] } {
    if (this.#finish !== null) return { finish: this.#finish };
    throw new ModelError("broken", "the model's answer ended without a finish reason");
  }

  /** The endpoint counts what it had said before as a part of the prompt. */
  #whole(usage: NonNullable<CallResult["usage"]>): NonNullable<CallResult["usage"]> {
    const before = this.#from?.tokens ?? 0;
    const inputTokens = usage.inputTokens > before ? usage.inputTokens - before : 0;
    return { inputTokens, outputTokens: usage.outputTokens + before };
  }

  /** Leaves out the white space that was said before and is said again, because servers trim what they go on with. */
  #behindTrail(text: string): string {
    let same = 0;
    while (same < text.length && same < this.#trail.length && text[same] === this.#trail[same])
      same += 1;
    this.#trail = same === text.length ? this.#trail.slice(same) : "";
    return text.slice(same);
  }
}

function isSaid({ type }: Delta): boolean {
  return type === "text" || type === "reasoning" || type === "toolCall";
}

/** What of a partial answer is sent to be gone on with: servers trim white space at its end, so none is sent. */
export function sentOf({ text }: PartialAnswer): string {
  return text.trimEnd();
}

function trailOf(text: string): string {
  // Not by a pattern: one that ends in $ is tried from each place of a long run of white space anew.
  return text.slice(text.trimEnd().length);
}
