/** One thing read from an event stream (text/event-stream). `id` is set only if this very event carries one. */
export type SseItem =
  | {
      readonly kind: "event";
      readonly name: string;
      readonly data: string;
      readonly id: string | null;
    }
  /** A comment: a sign of life without content. */
  | { readonly kind: "comment" };

/** Reads an event stream piece by piece. */
export interface SseParser {
  /** Takes the next piece of text, cut anywhere, and returns what is complete. Throws on an endless event. */
  push(text: string): SseItem[];
}

/** Most characters of one event: four times the largest event the server sends. */
const eventCharsMax = 4_194_304;

/**
 * Makes a parser after the HTML standard: lines end in LF, CR or CRLF, also when a piece ends between CR and LF;
 * several `data` lines are joined by LF; an event without data is not an event; a first byte order mark is skipped.
 */
export function createSseParser(): SseParser {
  return new Parser();
}

class Parser implements SseParser {
  #line = "";
  #endedInCr = false;
  #started = false;
  #name = "";
  #data: string[] = [];
  #dataChars = 0;
  #id: string | null = null;

  push(text: string): SseItem[] {
    const items: SseItem[] = [];
    for (const line of this.#completeLines(text)) {
      const item = this.#take(line);
      if (item !== null) items.push(item);
    }
    if (this.#line.length + this.#dataChars > eventCharsMax) {
      throw new Error(`an event of the stream is longer than ${eventCharsMax} characters`);
    }
    return items;
  }

  #completeLines(text: string): string[] {
    let piece = text;
    if (piece === "") return [];
    if (!this.#started) {
      this.#started = true;
      if (piece.startsWith("\uFEFF")) piece = piece.slice(1);
    }
    // The CR at the end of the last piece ended its line already: an LF right behind it belongs to it.
    if (this.#endedInCr && piece.startsWith("\n")) piece = piece.slice(1);
    this.#endedInCr = text.endsWith("\r");
    const lines = piece.split(/\r\n|\n|\r/);
    lines[0] = this.#line + (lines[0] ?? "");
    this.#line = lines.pop() ?? "";
    return lines;
  }

  #take(line: string): SseItem | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return { kind: "comment" };
    const field = colon === -1 ? line : line.slice(0, colon);
    const rest = colon === -1 ? "" : line.slice(colon + 1);
    this.#set(field, rest.startsWith(" ") ? rest.slice(1) : rest);
    return null;
  }

  #set(field: string, value: string): void {
    if (field === "event") this.#name = value;
    else if (field === "data") {
      this.#data.push(value);
      this.#dataChars += value.length + 1;
    } else if (field === "id" && !value.includes("\0")) this.#id = value;
  }

  #dispatch(): SseItem | null {
    const { name, data, id } = { name: this.#name, data: this.#data, id: this.#id };
    this.#name = "";
    this.#data = [];
    this.#dataChars = 0;
    this.#id = null;
    if (data.length === 0) return null;
    return { kind: "event", name: name === "" ? "message" : name, data: data.join("\n"), id };
  }
}
