/** Prefixes of generated ids. One per kind of thing, so that an id tells what it names. */
export type IdPrefix =
  | "task"
  | "msg"
  | "req"
  | "key"
  | "call"
  | "chat"
  | "appr"
  | "todo"
  | "evt"
  | "rem";

const crockford = Array.from("0123456789abcdefghjkmnpqrstvwxyz", (digit) => digit.charCodeAt(0));
const underscore = 95;

/**
 * Text of a time-ordered id: prefix, 48 bits of `timeMs` (10 characters) and 80 random bits (16 characters) in
 * Crockford base 32. Ids sort by time, then by the random bytes as one big number; `randomBytes` holds at least 10.
 */
export function formatId(prefix: IdPrefix, timeMs: number, randomBytes: Uint8Array): string {
  // Made at once: JSON of a string that was put together from parts takes three times as long.
  const codes: number[] = [];
  for (let at = 0; at < prefix.length; at += 1) codes.push(prefix.charCodeAt(at));
  codes.push(underscore);
  const digit = (value: number): void => void codes.push(crockford[value & 31] ?? underscore);
  for (let power = 32 ** 9; power >= 1; power /= 32) digit(Math.floor(timeMs / power) % 32);
  for (let start = 0; start < 10; start += 5) {
    const b0 = randomBytes[start] ?? 0;
    const b1 = randomBytes[start + 1] ?? 0;
    const b2 = randomBytes[start + 2] ?? 0;
    const b3 = randomBytes[start + 3] ?? 0;
    const b4 = randomBytes[start + 4] ?? 0;
    digit(b0 >> 3);
    digit((b0 << 2) | (b1 >> 6));
    digit(b1 >> 1);
    digit((b1 << 4) | (b2 >> 4));
    digit((b2 << 1) | (b3 >> 7));
    digit(b3 >> 2);
    digit((b3 << 3) | (b4 >> 5));
    digit(b4);
  }
  return String.fromCharCode(...codes);
}

const idTailPattern = /^[0-9a-hjkmnp-tv-z]{26}$/;
const userIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;
const chatIdPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$/;

/** True if `id` has the form of a task id. */
export function isTaskId(id: string): boolean {
  return isIdOf("task", id);
}

/** True if `id` has the form of an id of that prefix. */
export function isIdOf(prefix: IdPrefix, id: string): boolean {
  return id.startsWith(`${prefix}_`) && idTailPattern.test(id.slice(prefix.length + 1));
}

/** True if `id` can name a user: 1..64 of letters, digits, `_ . @ -`, first a letter or digit. */
export function isUserId(id: string): boolean {
  return userIdPattern.test(id);
}

/** True if `id` can name a chat: 1..128 of letters, digits, `_ -`; `stream` is reserved because it is a path. */
export function isChatId(id: string): boolean {
  return chatIdPattern.test(id) && id !== "stream";
}

/** True if `name` can name a task type, queue, step or role: 1..100 of letters, digits, `_ . : -`. */
export function isName(name: string): boolean {
  return namePattern.test(name);
}
