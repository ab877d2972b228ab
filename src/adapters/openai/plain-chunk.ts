import { isRecord } from "../../core/json.ts";

/** How often an answer's chunks may turn out to be of another shape before they are all parsed. */
const learningsMax = 8;

/** Text that a JSON string holds as it is. */
// oxlint-disable-next-line no-control-regex
const plainText = /^[^"\\\u0000-\u001f]*$/;

/**
 * Spares most chunks of an answer their parsing: but for the text, one is like the one before, character by character.
 * What stands around the text of a parsed chunk is kept; a chunk that has the same around a text without escapes says the
 * same but for that text.
 */
export class PlainChunk {
  #before = "";
  #behind = "";
  #learnings = 0;

  /** The text of a chunk that is like the last one learnt; `undefined`: it has to be parsed. */
  textOf(data: string): string | undefined {
    const before = this.#before;
    const behind = this.#behind;
    if (before === "" || data.length < before.length + behind.length) return undefined;
    if (!data.startsWith(before) || !data.endsWith(behind)) return undefined;
    const text = data.slice(before.length, data.length - behind.length);
    return plainText.test(text) ? text : undefined;
  }

  /** Looks at a chunk that was parsed and says nothing but `text`, as the content of its delta. */
  learn(data: string, text: string): void {
    if (this.#learnings >= learningsMax) return;
    const literal = `"${text}"`;
    const at = data.lastIndexOf(literal);
    if (at === -1 || !plainText.test(text)) return;
    this.#learnings += 1;
    const before = data.slice(0, at + 1);
    const behind = data.slice(at + literal.length - 1);
    // The same characters may stand elsewhere: that it is the content is seen by changing it.
    if (contentOf(`${before}another ${text}${behind}`) !== `another ${text}`) return;
    this.#before = before;
    this.#behind = behind;
  }
}

function contentOf(data: string): unknown {
  const chunk: unknown = JSON.parse(data);
  const choices = isRecord(chunk) ? chunk["choices"] : undefined;
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const delta = isRecord(choice) ? choice["delta"] : undefined;
  return isRecord(delta) ? delta["content"] : undefined;
}
