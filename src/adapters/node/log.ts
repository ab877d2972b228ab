import type { Clock, Log } from "../../ports/host.ts";

/** Characters of one value that a line keeps: a stack of 30 calls fits. */
const valueCharsMax = 4_000;
/** Causes behind an error that a line names. */
const causesMax = 4;

type Fields = Readonly<Record<string, string | number | boolean>>;

/**
 * Writes one logfmt line per entry: `at=2026-01-01T00:00:00.000Z level=info msg="listening" port=8787`. Line breaks
 * and other control characters are escaped, so that no value can forge a line or move a terminal's cursor. An error
 * comes as `error`, with its causes, and with its stack where it is a bug (whatever has no `code` of Errand's).
 */
export function createLog(clock: Clock, writeLine: (line: string) => void = toStderr): Log {
  function write(level: "info" | "error", message: string, fields: Fields): void {
    const all = { at: new Date(clock.nowMs()).toISOString(), level, msg: message, ...fields };
    const parts = Object.entries(all).map(([name, value]) => `${name}=${shown(value)}`);
    writeLine(parts.join(" "));
  }
  return {
    info: (message, fields = {}) => write("info", message, fields),
    error: (message, cause, fields = {}) =>
      write("error", message, { ...fields, ...errorFields(cause) }),
  };
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

function errorFields(cause: unknown): Fields {
  const chain: string[] = [];
  let next = cause;
  while (next !== undefined && next !== null && chain.length < causesMax) {
    chain.push(described(next));
    next = next instanceof Error ? next.cause : undefined;
  }
  if (!(cause instanceof Error)) return { error: chain.join("") };
  const code = "code" in cause && typeof cause.code === "string" ? { code: cause.code } : {};
  const isExpected = cause.name === "ErrandError" && code.code !== "internal";
  const stack = isExpected || cause.stack === undefined ? {} : { stack: cause.stack };
  return { error: chain.join(" <- "), ...code, ...stack };
}

/** Whatever was thrown, in short. Of an object only its kind: it may hold a payload. */
function described(thrown: unknown): string {
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`;
  return typeof thrown === "string" ? thrown : Object.prototype.toString.call(thrown);
}

/** A value in logfmt: bare if it is one plain word, else quoted. */
function shown(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  const kept = value.length > valueCharsMax ? `${value.slice(0, valueCharsMax)}...` : value;
  return /^[\w.:/@+-]+$/.test(kept) ? kept : `"${escaped(kept)}"`;
}

/** Escapes quotes, backslashes and whatever ends a line or steers a terminal: C0, DEL, C1, line separators, bidi marks. */
function escaped(text: string): string {
  return text.replace(
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (found) => {
      if (found === '"' || found === "\\") return `\\${found}`;
      if (found === "\n") return "\\n";
      if (found === "\r") return "\\r";
      if (found === "\t") return "\\t";
      return `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
    },
  );
}
