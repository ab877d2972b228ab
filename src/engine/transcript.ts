import type { ErrorData } from "../core/errors.ts";
import { splitText, type Entry } from "../core/stream/entry.ts";
import type { CallResult } from "../core/task/events.ts";
import type { Kernel } from "./kernel/kernel.ts";
import type { OpenStream } from "./kernel/open-stream.ts";

/**
 * What one segment shows on its attempt's stream. It knows what an earlier segment of the same attempt has shown,
 * so that replay neither repeats nor drops text: a call that ended is not shown again, and one that was cut off is
 * reset to where it began.
 */
export class Transcript {
  readonly #kernel: Kernel;
  readonly #stream: OpenStream;
  /** Calls that have ended, and where they began. */
  readonly #ended = new Map<string, number>();
  readonly #tools = new Set<string>();
  /** Offset where a call began that never ended. */
  readonly #begun = new Map<string, number>();
  #held = "";
  /** Characters that the handler itself wrote in an earlier segment, and that its replay writes again. */
  #written: number;

  constructor(kernel: Kernel, stream: OpenStream) {
    this.#kernel = kernel;
    this.#stream = stream;
    let offset = 0;
    let written: { readonly from: number; readonly chars: number }[] = [];
    for (const entry of stream.read(0)) {
      if (entry.t === "call") this.#begun.set(entry.op, offset);
      else if (entry.t === "callEnd") {
        this.#ended.set(entry.op, this.#begun.get(entry.op) ?? offset);
        this.#begun.delete(entry.op);
      } else if (entry.t === "toolOutput") this.#tools.add(entry.id);
      if (entry.t === "text") {
        if (this.#begun.size === 0) written.push({ from: offset, chars: entry.d.length });
        offset += entry.d.length;
      } else if (entry.t === "reset") {
        offset = entry.o;
        written = written.filter(({ from }) => from < offset);
      }
    }
    this.#written = written.reduce((sum, { chars }) => sum + chars, 0);
  }

  get stream(): OpenStream {
    return this.#stream;
  }

  /**
   * A call begins to stream. If it was cut off before, or had ended without its result being stored, readers are told
   * to drop what it had said.
   */
  begin(op: string, role: string, model: string): void {
    const from = this.#begun.get(op) ?? this.#ended.get(op);
    if (from !== undefined && from < this.#stream.offsetAhead)
      this.#add([{ t: "reset", o: from, reason: "the call starts again" }]);
    this.#held = "";
    this.#ended.delete(op);
    this.#begun.set(op, from ?? this.#stream.offsetAhead);
    // That it begins is told with what it says first: a commit for it alone would keep that waiting.
    this.#kernel.hold(this.#stream, [{ t: "call", op, role, model }]);
  }

  /**
   * A call that was cut goes on behind `text`, which readers have. What came behind that before a crash is void. Where
   * the stream has less than `text`, all of it is said anew, behind a reset.
   */
  resume(op: string, role: string, model: string, text: string): void {
    const from = this.#begun.get(op);
    const at = (from ?? 0) + text.length;
    if (from === undefined || this.#stream.offsetAhead < at) {
      this.begin(op, role, model);
      this.#add(splitText("", text).ready.map((d) => ({ t: "text", d })));
      return;
    }
    this.#held = "";
    if (this.#stream.offsetAhead > at)
      this.#add([{ t: "reset", o: at, reason: "the call goes on from here again" }]);
  }

  /** Adds what arrived. Resolves when readers may see it. */
  async show(
    deltas: readonly { readonly type: "text" | "reasoning"; readonly text: string }[],
  ): Promise<void> {
    const entries: Entry[] = [];
    for (const delta of deltas) {
      if (delta.text === "") continue;
      if (delta.type === "reasoning") {
        entries.push({ t: "reasoning", d: delta.text });
        continue;
      }
      const { ready, held } = splitText(this.#held, delta.text);
      this.#held = held;
      for (const text of ready) entries.push({ t: "text", d: text });
    }
    if (entries.length > 0) await this.#kernel.append(this.#stream, entries);
  }

  /** The call has ended, well or with an error that is not tried again; what it said stays. */
  end(op: string, finish: string, error?: ErrorData): void {
    const entries: Entry[] = this.#held === "" ? [] : [{ t: "text", d: this.#held }];
    this.#held = "";
    entries.push({ t: "callEnd", op, finish, ...(error === undefined ? {} : { error }) });
    this.#ended.set(op, this.#begun.get(op) ?? this.#stream.offsetAhead);
    this.#begun.delete(op);
    this.#add(entries);
  }

  /** A memoised call is shown on the stream of a new attempt, in one piece. */
  replay(op: string, role: string, result: CallResult): void {
    if (this.#ended.has(op)) return;
    this.begin(op, role, "");
    if (result.text !== "") {
      for (const text of splitText("", result.text).ready) this.#add([{ t: "text", d: text }]);
    }
    this.end(op, result.finish);
  }

  /** Text of the handler's own. What an earlier segment of this attempt has written is not written again. */
  async write(text: string): Promise<void> {
    const known = Math.min(this.#written, text.length);
    this.#written -= known;
    await this.show([{ type: "text", text: text.slice(known) }]);
  }

  /** A tool call and its outcome, once per call id. */
  tool(entry: Extract<Entry, { t: "toolInput" | "toolOutput" }>): void {
    if (this.#tools.has(entry.id)) return;
    if (entry.t === "toolOutput") this.#tools.add(entry.id);
    this.#add([entry]);
  }

  #add(entries: readonly Entry[]): void {
    // Not awaited: it goes out with the next commit, which carries whatever the segment does next.
    void this.#kernel.append(this.#stream, entries);
  }
}
