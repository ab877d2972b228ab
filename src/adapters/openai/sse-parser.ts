import { ModelError } from "../../ports/models.ts";
import { eventCharsMax } from "./answer-limits.ts";

/** Takes the data of one event and the event's name ("" if it has none). */
export type SseListener = (data: string, event: string) => void;

/**
 * Server-sent events from bytes, as the HTML standard reads them: any split of the bytes, LF, CRLF and CR, comments,
 * several data lines of one event. Two liberties: a last event without its blank line is delivered, and old llama.cpp's
 * `error: {...}` lines are events named `error`. Work is linear in the bytes whatever their split. A line or event
 * above `eventCharsMax` throws a {@link ModelError} (`broken`).
 */
export class SseParser {
  readonly #listener: SseListener;
  readonly #decoder = new TextDecoder();
  /** Pieces of the line that has no end yet; joined once, so that tiny chunks of a long line stay cheap. */
  #pieces: string[] = [];
  #piecesChars = 0;
  #data: string | undefined;
  #event = "";
  /** The last chunk ended in CR, which ended a line; an LF at the start of the next belongs to it. */
  #afterCr = false;

  constructor(listener: SseListener) {
    this.#listener = listener;
  }

  /** Reads the next bytes and calls the listener for each event that is complete. */
  push(bytes: Uint8Array): void {
    this.#lines(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The bytes have ended: delivers what is left. */
  end(): void {
    this.#lines(this.#decoder.decode());
    this.#line(this.#takeRest(""));
    this.#line("");
  }

  #lines(chunk: string): void {
    const text = this.#normalize(chunk);
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      const piece = text.slice(start, end);
      this.#line(this.#pieces.length === 0 ? piece : this.#takeRest(piece));
      start = end + 1;
    }
    if (start === text.length) return;
    const rest = text.slice(start);
    this.#piecesChars += rest.length;
    refuseLong("line", this.#piecesChars);
    this.#pieces.push(rest);
  }

  #normalize(chunk: string): string {
    if (chunk === "") return chunk;
    const text = this.#afterCr && chunk.startsWith("\n") ? chunk.slice(1) : chunk;
    this.#afterCr = chunk.endsWith("\r");
    return text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text;
  }

  #takeRest(piece: string): string {
    const line = this.#pieces.join("") + piece;
    this.#pieces = [];
    this.#piecesChars = 0;
    return line;
  }

  #line(line: string): void {
    if (line === "") this.#dispatch();
    else if (line.startsWith("data:")) this.#append(valueOf(line, 5));
    else if (line.startsWith("event:")) this.#event = valueOf(line, 6);
    else if (line.startsWith("error:")) {
      this.#event = "error";
      this.#append(valueOf(line, 6));
    }
    // Comments and the fields `id` and `retry` mean nothing here: a model's stream cannot be resumed.
  }

  #append(value: string): void {
    this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    refuseLong("event", this.#data.length);
  }

  #dispatch(): void {
    const data = this.#data;
    const event = this.#event;
    this.#data = undefined;
    this.#event = "";
    if (data !== undefined) this.#listener(data, event);
  }
}

function valueOf(line: string, start: number): string {
  return line.slice(line.startsWith(" ", start) ? start + 1 : start);
}

function refuseLong(what: string, chars: number): void {
  if (chars <= eventCharsMax) return;
  throw new ModelError(
    "broken",
    `the endpoint sent a ${what} of more than ${eventCharsMax} characters: it does not stream chat completions as OpenAI does`,
  );
}
