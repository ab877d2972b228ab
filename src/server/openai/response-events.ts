import { ErrandError } from "../../core/errors.ts";
import { isEnd } from "../../core/task/status.ts";
import type { CallResult, FeedEvent, TaskView } from "../../engine/index.ts";
import { resultOf } from "./answer-output.ts";
import { Continuation } from "./continuation.ts";
import { openaiError } from "./errors.ts";
import {
  answerMessage,
  callItems,
  hasMessage,
  messageId,
  reasoningId,
  reasoningItem,
  type Item,
} from "./response-items.ts";
import {
  outputOf,
  responseJson,
  responseOf,
  responseStatus,
  tailOf,
  type ResponseStatus,
} from "./response-object.ts";

/** An item that is being written: its place, and its delta's text up to the delta itself. */
interface OpenItem {
  readonly kind: "message" | "reasoning";
  readonly index: number;
  readonly deltaHead: string;
}

/**
 * A response as events: a projection of its task's feed from the beginning, so that its numbers, from 0 and without gaps,
 * are the same for every reader, whenever it comes. What was sent is never taken back: a second try is passed over as
 * far as it says the same, and ends the stream with an error where it does not.
 */
export class ResponseEvents {
  readonly #after: number;
  readonly #text = new Continuation();
  readonly #reasoning = new Continuation();
  #number = 0;
  #view: TaskView | null = null;
  #inProgress = false;
  #items = 0;
  #open: OpenItem | null = null;
  #hasMessage = false;
  #over = false;

  /** Events with higher numbers than `after` are told; -1 tells all. */
  constructor(after: number) {
    this.#after = after;
  }

  /** True when the stream is at its end: nothing may follow. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Events as text of the stream. */
  take(events: readonly FeedEvent[]): string {
    let told = "";
    for (const event of events) {
      if (this.#over) break;
      if (event.kind === "state" || event.kind === "end") told += this.#state(event.task);
      try {
        told += this.#one(event);
      } catch (error) {
        if (!(error instanceof ErrandError) || error.code !== "conflict") throw error;
        this.#over = true;
        const { code, message, param } = openaiError(error);
        told += this.#event("error", { code, message, param });
      }
    }
    return told;
  }

  #one(event: FeedEvent): string {
    switch (event.kind) {
      case "state":
        // An end that was not the last one is a state: what was told of it stays told.
        return isEnd(event.task.status) ? this.#end(event.task) : "";
      case "end":
        return this.#end(event.task);
      case "token":
        return this.#delta("message", this.#text.take(event.text));
      case "reasoning": {
        const fresh = this.#reasoning.take(event.text);
        // A model that thinks again behind its answer: the answer's place is taken.
        return this.#hasMessage ? "" : this.#delta("reasoning", fresh);
      }
      case "reset":
        this.#text.back(event.offset);
        this.#reasoning.back(0);
        return "";
      default:
        return "";
    }
  }

  #state(view: TaskView): string {
    let told = "";
    if (this.#view === null) {
      this.#view = view;
      const isBackground = responseOf(view)?.asked.background === true;
      const status = isBackground ? "queued" : "in_progress";
      told += this.#lifecycle("response.created", view, status);
      if (isBackground) told += this.#lifecycle("response.queued", view, status);
    }
    if (!this.#inProgress && view.startedAt !== null) {
      this.#inProgress = true;
      told += this.#lifecycle("response.in_progress", view, "in_progress");
    }
    return told;
  }

  #end(view: TaskView): string {
    this.#over = true;
    const status = responseStatus(view);
    // A cancel has no event: the stream ends, and the response says what it is.
    if (status === "cancelled") return "";
    const result = resultOf(view.output);
    if (status === "failed" || result === null) {
      const partial = { ...view, partial: this.#text.said };
      return this.#event("response.failed", {
        response: this.#responseJson(view, "failed", outputOf(partial, "failed")),
      });
    }
    const told = this.#finish(view, result, status);
    return told + this.#lifecycle(`response.${status}`, view, status, outputOf(view, status));
  }

  #finish(view: TaskView, result: CallResult, status: ResponseStatus): string {
    // Both first: if one of them differs, nothing of this is told.
    const reasoning = this.#reasoning.finish(result.reasoning ?? "");
    const rest = this.#text.finish(result.text);
    let told = this.#hasMessage ? "" : this.#delta("reasoning", reasoning);
    told += this.#delta("message", rest);
    if (!this.#hasMessage && hasMessage(result)) told += this.#begin("message");
    told += this.#close(status === "incomplete" ? "incomplete" : "completed");
    for (const item of callItems(tailOf(view.id), result)) told += this.#call(item);
    return told;
  }

  #call(item: Item): string {
    const index = this.#items;
    this.#items += 1;
    const place = { item_id: item["id"], output_index: index };
    const { arguments: text, name } = item;
    return (
      this.#event("response.output_item.added", {
        output_index: index,
        item: { ...item, arguments: "", status: "in_progress" },
      }) +
      this.#event("response.function_call_arguments.delta", { ...place, delta: text }) +
      this.#event("response.function_call_arguments.done", { ...place, name, arguments: text }) +
      this.#event("response.output_item.done", { output_index: index, item })
    );
  }

  /** The hot one: everything but the text and the number is made once. */
  #delta(kind: OpenItem["kind"], text: string): string {
    if (text === "") return "";
    const begun = this.#open?.kind === kind ? "" : this.#close("completed") + this.#begin(kind);
    const number = this.#number;
    this.#number += 1;
    if (number <= this.#after) return begun;
    return `${begun}${this.#open?.deltaHead ?? ""}${JSON.stringify(text)},"sequence_number":${number}}\n\n`;
  }

  #begin(kind: OpenItem["kind"]): string {
    const tail = tailOf(this.#view?.id ?? "");
    const index = this.#items;
    this.#items += 1;
    const isMessage = kind === "message";
    const id = isMessage ? messageId(tail) : reasoningId(tail);
    const type = isMessage ? "response.output_text.delta" : "response.reasoning_text.delta";
    const place = { item_id: id, output_index: index, content_index: 0 };
    const fields = { type, ...place, ...(isMessage ? { logprobs: [] } : {}) };
    this.#open = {
      kind,
      index,
      deltaHead: `event: ${type}\ndata: ${JSON.stringify(fields).slice(0, -1)},"delta":`,
    };
    if (isMessage) this.#hasMessage = true;
    const item = isMessage
      ? answerMessage(tail, "", "in_progress")
      : reasoningItem(tail, "", "in_progress");
    return (
      this.#event("response.output_item.added", {
        output_index: index,
        item: { ...item, content: [] },
      }) + this.#event("response.content_part.added", { ...place, part: partOf(kind, "") })
    );
  }

  #close(status: "completed" | "incomplete"): string {
    const open = this.#open;
    if (open === null) return "";
    this.#open = null;
    const tail = tailOf(this.#view?.id ?? "");
    const isMessage = open.kind === "message";
    const text = isMessage ? this.#text.said : this.#reasoning.said;
    const item = isMessage ? answerMessage(tail, text, status) : reasoningItem(tail, text, status);
    const place = { item_id: item["id"], output_index: open.index, content_index: 0 };
    const done = isMessage
      ? this.#event("response.output_text.done", { ...place, text, logprobs: [] })
      : this.#event("response.reasoning_text.done", { ...place, text });
    return (
      done +
      this.#event("response.content_part.done", { ...place, part: partOf(open.kind, text) }) +
      this.#event("response.output_item.done", { output_index: open.index, item })
    );
  }

  #lifecycle(
    type: string,
    view: TaskView,
    status: ResponseStatus,
    output: readonly Item[] = [],
  ): string {
    return this.#event(type, { response: this.#responseJson(view, status, output) });
  }

  #responseJson(view: TaskView, status: ResponseStatus, output: readonly Item[]): Item | null {
    const task = responseOf(view);
    return task === null ? null : responseJson(task, status, output);
  }

  #event(type: string, fields: Item): string {
    const number = this.#number;
    this.#number += 1;
    if (number <= this.#after) return "";
    return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields, sequence_number: number })}\n\n`;
  }
}

function partOf(kind: OpenItem["kind"], text: string): Item {
  return kind === "message"
    ? { type: "output_text", text, annotations: [], logprobs: [] }
    : { type: "reasoning_text", text };
}
