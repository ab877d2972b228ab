/** Numbers a packed id takes. */
export const packedWords = 6;

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const prefix = "task_0";
const digits = 25;
const length = prefix.length + digits;
/** Largest call number that is packed. */
const numberMax = 0x3fff_ffff;

/** Value of each ASCII character as a digit in base 32; -1: it is none. */
const valueOf: Int8Array = new Int8Array(128).fill(-1);
for (let value = 0; value < alphabet.length; value += 1)
  valueOf[alphabet.charCodeAt(value)] = value;

/**
 * Packs the id of a call into {@link packedWords} numbers from `at` on: five of 25 bits each for the task's id, and the
 * call's number. As text it would be 60 bytes that every collection of garbage looks at. Answers false, with nothing
 * promised about the numbers, if the id has not the usual form `<task id>.<number>`.
 */
export function packId(call: string, words: Int32Array, at: number): boolean {
  if (call.length < length + 2 || !call.startsWith(prefix)) return false;
  for (let word = 0; word < 5; word += 1) {
    const from = prefix.length + 5 * word;
    let packed = 0;
    for (let digit = from; digit < from + 5; digit += 1) {
      const value = valueOf[call.charCodeAt(digit)] ?? -1;
      if (value < 0) return false;
      packed = (packed << 5) | value;
    }
    words[at + word] = packed;
  }
  const number = numberAfterDot(call);
  words[at + 5] = number;
  return number > 0;
}

/** The call's number; 0 if it is not written as {@link unpackId} would, or too large. */
function numberAfterDot(call: string): number {
  if (call.charCodeAt(length) !== 46 || call.charCodeAt(length + 1) === 48) return 0;
  let number = 0;
  for (let digit = length + 1; digit < call.length; digit += 1) {
    const value = call.charCodeAt(digit) - 48;
    if (value < 0 || value > 9) return 0;
    number = number * 10 + value;
    if (number > numberMax) return 0;
  }
  return number;
}

/** Characters of an id that is unpacked; what is before its digits stays. */
const characters: number[] = Array.from(prefix.padEnd(length, "0"), (one) => one.charCodeAt(0));
const codeOf: Uint8Array = Uint8Array.from(alphabet, (one) => one.charCodeAt(0));

/** The id of the task whose call {@link packId} has packed. */
export function unpackTask(words: Int32Array, at: number): string {
  for (let word = 0; word < 5; word += 1) {
    const packed = words[at + word] ?? 0;
    const to = prefix.length + 5 * word;
    characters[to] = codeOf[packed >> 20] ?? 0;
    characters[to + 1] = codeOf[(packed >> 15) & 31] ?? 0;
    characters[to + 2] = codeOf[(packed >> 10) & 31] ?? 0;
    characters[to + 3] = codeOf[(packed >> 5) & 31] ?? 0;
    characters[to + 4] = codeOf[packed & 31] ?? 0;
  }
  // Added one by one they would be a rope that is untied later: three times as slow.
  return String.fromCharCode(...characters);
}

/** True if the two packed ids are the same. */
export function samePacked(a: Int32Array, atA: number, b: Int32Array, atB: number): boolean {
  // The last digits are random and tell most ids apart.
  for (let word = packedWords - 1; word >= 0; word -= 1) {
    if (a[atA + word] !== b[atB + word]) return false;
  }
  return true;
}

/** 32 bits that spread packed ids. Ids of one moment differ in their last 40 bits. */
export function hashPacked(words: Int32Array, at: number): number {
  const random = (words[at + 4] ?? 0) ^ ((words[at + 3] ?? 0) << 7);
  return spread(random ^ Math.imul(words[at + 5] ?? 0, 0x9e3779b1));
}

/** 32 bits that spread any text. */
export function hashText(text: string): number {
  let mixed = 0;
  for (let at = 0; at < text.length; at += 1)
    mixed = (Math.imul(mixed, 31) + text.charCodeAt(at)) | 0;
  return spread(mixed);
}

function spread(bits: number): number {
  const once = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  const twice = Math.imul(once ^ (once >>> 15), 0x846ca68b);
  return (twice ^ (twice >>> 16)) >>> 0;
}
