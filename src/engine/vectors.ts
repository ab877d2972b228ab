/** Characters made out of bytes at once: arguments of one call are limited. */
const bytesAtOnce = 8_192;

/** A vector as base64 of its numbers as little-endian 32-bit floats, which is OpenAI's `base64`. */
export function packVector(vector: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [index, value] of vector.entries()) view.setFloat32(index * 4, value, true);
  const bytes = new Uint8Array(view.buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += bytesAtOnce)
    text += String.fromCharCode(...bytes.subarray(at, at + bytesAtOnce));
  return btoa(text);
}

/** Numbers of a packed vector, each with the nine digits that a 32-bit float has. */
export function unpackVector(packed: string): readonly number[] {
  const text = atob(packed);
  const view = new DataView(new ArrayBuffer(text.length));
  for (let at = 0; at < text.length; at += 1) view.setUint8(at, text.charCodeAt(at));
  return Array.from({ length: text.length / 4 }, (_, index) =>
    Number(view.getFloat32(index * 4, true).toPrecision(9)),
  );
}

/** The packed vectors of a call's result. */
export function vectorsOf(text: string): readonly string[] {
  return text === "" ? [] : text.split("\n");
}
