import { ErrandError } from "../../core/errors.ts";
import type { FeedEvent, TaskView } from "../../engine/index.ts";
import type { FinishReason, QueueNotice, UiChunk } from "./ui-chunk.ts";

type ToolEvent = Extract<FeedEvent, { kind: "tool" }>;
type CallEvent = Extract<FeedEvent, { kind: "call" }>;

const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  filter: "content-filter",
  toolCalls: "tool-calls",
};

/** A tool call that the page knows. `again`: the attempt that goes on has told it too. */
interface KnownTool {
  readonly step: number;
  again: boolean;
  readonly chunks: UiChunk[];
}

/**
 * One answer as a UI message stream: a projection of its task's feed from the beginning. One step holds a model call
 * and the tools it asked for.
 *
 * The protocol can take back the step that is being written, and nothing before it. So a reset is not passed on at
 * once: what is said again is compared with what was shown, and a true continuation shows nothing twice. Where it
 * differs, the step is taken back and written anew. If an earlier step would have to change, {@link take} throws
 * `conflict`, and the connection must be broken off: the page resumes, which replays the answer from its start.
 */
export class UiAnswer {
  readonly #taskId: string;
  readonly #messageId: string;
  readonly #tools = new Map<string, KnownTool>();
  /** Text shown, and how much of it still counts: less only between a reset and its continuation. */
  #said = "";
  #at = 0;
  #step = 0;
  #stepIsOpen = false;
  /** Text offset at which the open step begins. */
  #stepStart = 0;
  #stepHasReasoning = false;
  #part: { readonly kind: "text" | "reasoning"; readonly id: string } | null = null;
  #parts = 0;
  /** A reset came since the open step was last written. */
  #wasReset = false;
  #finish: FinishReason = "stop";
  #noticed = false;

  constructor(taskId: string, messageId: string) {
    this.#taskId = taskId;
    this.#messageId = messageId;
  }

  /** First chunks of the stream, also when it is replayed: the same message each time. */
  begin(): UiChunk[] {
    return [
      { type: "start", messageId: this.#messageId, messageMetadata: { taskId: this.#taskId } },
    ];
  }

  /** Chunks for one event. After an `end` event nothing may follow. */
  take(event: FeedEvent): UiChunk[] {
    switch (event.kind) {
      case "state":
        return this.#notice(event.task, null);
      case "token":
        return this.#text(event.text, event.offset);
      case "reasoning":
        return this.#reasoning(event.text);
      case "call":
        return this.#call(event);
      case "tool":
        return this.#tool(event);
      case "reset":
        return this.#reset(event.offset);
      case "end":
        return this.#end(event.task);
      case "progress":
      case "step":
        return [];
      default: {
        const never: never = event;
        return never;
      }
    }
  }

  /** The task's place in line is known now. */
  placed(view: TaskView, position: number): UiChunk[] {
    return this.#notice(view, position);
  }

  #notice(view: TaskView, position: number | null): UiChunk[] {
    const { reason, status } = view;
    // A page that was never told of a wait need not be told that it is over.
    if (reason === null && !this.#noticed) return [];
    this.#noticed = reason !== null;
    const data: QueueNotice = {
      taskId: this.#taskId,
      status,
      code: reason?.code ?? null,
      message: reason?.message ?? `is ${status}`,
      untilAt: reason?.untilAt ?? null,
      position,
    };
    return [{ type: "data-queue", id: "queue", transient: true, data }];
  }

  #call(event: CallEvent): UiChunk[] {
    if (event.state === "ended") {
      // The part stays open: what the handler writes behind the call belongs to it.
      this.#finish = finishReasons[event.finish ?? ""] ?? "stop";
      return [];
    }
    // While known text is said again, its steps are known too. A call that starts again goes on in its own step.
    if (this.#isRepeating || this.#stepIsEmpty) return [];
    return [...this.#closeStep(), ...this.#openStep()];
  }

  #text(text: string, offset: number): UiChunk[] {
    if (offset !== this.#at) throw spliced(`text at ${offset}, expected ${this.#at}`);
    let fresh = text;
    const chunks: UiChunk[] = [];
    if (this.#isRepeating) {
      const known = this.#said.slice(offset, offset + text.length);
      if (text.startsWith(known)) {
        this.#at = offset + known.length;
        fresh = text.slice(known.length);
      } else {
        chunks.push(...this.#rewriteStep());
      }
    }
    if (fresh === "") return chunks;
    chunks.push(...this.#openStep());
    if (this.#part?.kind !== "text") chunks.push(...this.#openPart("text"));
    this.#said += fresh;
    this.#at = this.#said.length;
    chunks.push({ type: "text-delta", id: this.#partId, delta: fresh });
    return chunks;
  }

  #reasoning(text: string): UiChunk[] {
    // Reasoning has no offsets: what of it is known cannot be told, so a step that thinks again is written anew.
    const chunks = this.#wasReset && this.#stepHasReasoning ? this.#rewriteStep() : [];
    chunks.push(...this.#openStep());
    if (this.#part?.kind !== "reasoning") chunks.push(...this.#openPart("reasoning"));
    this.#stepHasReasoning = true;
    chunks.push({ type: "reasoning-delta", id: this.#partId, delta: text });
    return chunks;
  }

  #tool(event: ToolEvent): UiChunk[] {
    const chunk = toolChunk(event);
    if (chunk === null) return [];
    const known = this.#tools.get(event.id);
    if (known === undefined) {
      if (chunk.type !== "tool-input-available") return [];
      const chunks = [...this.#openStep(), ...this.#closePart(), chunk];
      this.#tools.set(event.id, { step: this.#step, again: true, chunks: [chunk] });
      return chunks;
    }
    known.again = true;
    // The same half of the same call: a new attempt tells again what the ledger remembers.
    if (known.chunks.some(({ type }) => type === chunk.type)) return [];
    known.chunks.push(chunk);
    return [chunk];
  }

  #reset(offset: number): UiChunk[] {
    if (offset > this.#at) throw spliced(`a reset to ${offset}, but only ${this.#at} was said`);
    this.#at = offset;
    this.#wasReset = true;
    for (const tool of this.#tools.values()) tool.again = false;
    return [];
  }

  #end(task: TaskView): UiChunk[] {
    const chunks = this.#isRepeating ? this.#rewriteStep() : [];
    const messageMetadata = { taskId: this.#taskId };
    if (task.status === "completed") {
      const answer = answerText(task.output);
      if (answer.length > this.#at && answer.startsWith(this.#said))
        chunks.push(...this.#text(answer.slice(this.#at), this.#at));
      return [
        ...chunks,
        ...this.#closeStep(),
        { type: "finish", finishReason: this.#finish, messageMetadata },
      ];
    }
    const message = task.error?.message ?? `the task is ${task.status}`;
    const last: UiChunk =
      task.status === "cancelled"
        ? { type: "abort", reason: message }
        : { type: "error", errorText: message };
    return [...chunks, ...this.#closeStep(), last];
  }

  /** Shown text is being said again. */
  get #isRepeating(): boolean {
    return this.#at < this.#said.length;
  }

  get #stepIsEmpty(): boolean {
    return (
      this.#stepIsOpen &&
      this.#stepStart === this.#said.length &&
      !this.#stepHasReasoning &&
      !this.#hasTools
    );
  }

  get #hasTools(): boolean {
    return [...this.#tools.values()].some(({ step }) => step === this.#step);
  }

  /** Takes the open step back and writes what still counts of it. */
  #rewriteStep(): UiChunk[] {
    if (!this.#stepIsOpen || this.#at < this.#stepStart)
      throw spliced(`what was said before ${this.#stepStart} has changed`);
    const chunks: UiChunk[] = [{ type: "reset-step" }];
    this.#part = null;
    const kept = this.#said.slice(this.#stepStart, this.#at);
    this.#said = this.#said.slice(0, this.#at);
    if (kept !== "")
      chunks.push(...this.#openPart("text"), { type: "text-delta", id: this.#partId, delta: kept });
    for (const [id, tool] of this.#tools) {
      if (tool.step !== this.#step) continue;
      if (tool.again) chunks.push(...this.#closePart(), ...tool.chunks);
      else this.#tools.delete(id);
    }
    this.#stepHasReasoning = false;
    this.#wasReset = false;
    return chunks;
  }

  get #partId(): string {
    return this.#part?.id ?? "";
  }

  #openStep(): UiChunk[] {
    if (this.#stepIsOpen) return [];
    this.#stepIsOpen = true;
    this.#step += 1;
    this.#stepStart = this.#said.length;
    this.#stepHasReasoning = false;
    this.#wasReset = false;
    return [{ type: "start-step" }];
  }

  #closeStep(): UiChunk[] {
    if (!this.#stepIsOpen) return [];
    this.#stepIsOpen = false;
    return [...this.#closePart(), { type: "finish-step" }];
  }

  #openPart(kind: "text" | "reasoning"): UiChunk[] {
    const chunks = this.#closePart();
    this.#parts += 1;
    this.#part = { kind, id: `${kind}-${this.#parts}` };
    return [...chunks, { type: `${kind}-start`, id: this.#part.id }];
  }

  #closePart(): UiChunk[] {
    const part = this.#part;
    this.#part = null;
    return part === null ? [] : [{ type: `${part.kind}-end`, id: part.id }];
  }
}

/** Tool events with what went in or came out are the transcript's; the ledger's own have neither. */
function toolChunk(event: ToolEvent): UiChunk | null {
  const { id: toolCallId, name: toolName, state } = event;
  const on = { toolCallId, dynamic: true, providerExecuted: true } as const;
  if (state === "intended" && "input" in event)
    return { type: "tool-input-available", ...on, toolName, input: event.input };
  if (state === "confirmed" && "output" in event)
    return { type: "tool-output-available", ...on, output: event.output };
  if (state === "failed" && "output" in event)
    return { type: "tool-output-error", ...on, errorText: String(event.output) };
  if (state === "unknown")
    return { type: "tool-output-error", ...on, errorText: "whether this took effect is not known" };
  return null;
}

/** Text of a task's output: `{text}`, a string, or whatever it is as JSON. */
export function answerText(output: unknown): string {
  if (typeof output === "string") return output;
  if (
    typeof output === "object" &&
    output !== null &&
    "text" in output &&
    typeof output.text === "string"
  )
    return output.text;
  return output === null || output === undefined ? "" : JSON.stringify(output);
}

function spliced(what: string): ErrandError {
  return new ErrandError("conflict", `the answer cannot be continued: ${what}`);
}
