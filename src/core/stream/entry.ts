import { entryCharsMax } from "../limits.ts";
import type { ErrorData } from "../errors.ts";

/**
 * One typed delta of a stream. Entries are numbered from 0 without gaps per stream; text and reasoning are also
 * addressed by offset in UTF-16 code units. Short keys: an entry is stored per token.
 */
export type Entry =
  | { readonly t: "text"; readonly d: string }
  | { readonly t: "reasoning"; readonly d: string }
  /** A model call begins or ends. Text between them is one answer part. `op` is the operation's name. */
  | { readonly t: "call"; readonly op: string; readonly role: string; readonly model: string }
  | {
      readonly t: "callEnd";
      readonly op: string;
      readonly finish: string;
      readonly error?: ErrorData;
    }
  | { readonly t: "toolInput"; readonly id: string; readonly name: string; readonly input: unknown }
  | {
      readonly t: "toolOutput";
      readonly id: string;
      readonly output: unknown;
      readonly failed?: true;
    }
  | { readonly t: "source"; readonly url: string; readonly title?: string }
  | { readonly t: "data"; readonly name: string; readonly data: unknown }
  /** What this stream said from offset `o` on is void: a call of this attempt was lost and starts again (SPEC STREAM6). */
  | { readonly t: "reset"; readonly o: number; readonly reason: string };

/** A stream belongs to one attempt of one task. */
export type StreamId = `${string}/${number}`;

/** Names the stream of an attempt (1-based). */
export function streamId(taskId: string, attempt: number): StreamId {
  return `${taskId}/${attempt}`;
}

/** UTF-16 units of answer text in an entry. Reasoning and tool data do not move the text offset. */
export function entryChars(entry: Entry): number {
  return entry.t === "text" ? entry.d.length : 0;
}

/** The text offset after `entry`, given the offset before it. */
export function offsetAfter(offset: number, entry: Entry): number {
  return entry.t === "reset" ? entry.o : offset + entryChars(entry);
}

/** The answer text after `entry`, given the text before it. */
export function applyText(text: string, entry: Entry): string {
  if (entry.t === "text") return text + entry.d;
  if (entry.t === "reset") return text.slice(0, entry.o);
  return text;
}

/** Answer text of a whole stream. */
export function textOf(entries: Iterable<Entry>): string {
  const parts: string[] = [];
  for (const entry of entries) {
    if (entry.t === "text") parts.push(entry.d);
    else if (entry.t === "reset") {
      const kept = parts.join("").slice(0, entry.o);
      parts.length = 0;
      parts.push(kept);
    }
  }
  return parts.join("");
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/**
 * Splits arriving text so that no entry ends inside a surrogate pair and none is longer than the limit: `ready`
 * may be stored now, `held` (one high surrogate at most) must be put before the next piece.
 */
export function splitText(held: string, piece: string): { ready: string[]; held: string } {
  let text = held + piece;
  let rest = "";
  if (text.length > 0 && isHighSurrogate(text.charCodeAt(text.length - 1))) {
    rest = text.slice(-1);
    text = text.slice(0, -1);
  }
  const ready: string[] = [];
  while (text.length > entryCharsMax) {
    const cut = isHighSurrogate(text.charCodeAt(entryCharsMax - 1))
      ? entryCharsMax - 1
      : entryCharsMax;
    ready.push(text.slice(0, cut));
    text = text.slice(cut);
  }
  if (text.length > 0) ready.push(text);
  return { ready, held: rest };
}
