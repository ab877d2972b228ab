import { ErrandError } from "../../core/errors.ts";
import { jsonDepthMax } from "../../core/limits.ts";

/** Largest request body in bytes. */
export const bodyBytesMax = 1_048_576;

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a request's JSON body; `undefined` if there is none. Errors: `unsupported_media_type` if it says to be something
 * else or is compressed, `too_large` above 1 MiB (nothing more is read then), `invalid_request` if it is not JSON in
 * UTF-8, is nested deeper than 64, or holds a number that no double can hold. What is accepted is data as it was sent:
 * lone surrogates and keys like `__proto__` included.
 */
export async function readJsonBody(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type");
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw new ErrandError(
      "unsupported_media_type",
      `content-encoding ${encoding.slice(0, 60)} is not read here: send the body as it is`,
    );
  }
  if (type !== null && !isJson(type)) {
    throw new ErrandError(
      "unsupported_media_type",
      `content-type must be application/json, got "${type.slice(0, 100)}"`,
    );
  }
  const bytes = await readWhole(request);
  if (bytes.byteLength === 0) return undefined;
  if (type === null)
    throw new ErrandError("unsupported_media_type", "a body needs content-type: application/json");
  return parseJson(bytes);
}

/** `application/json`, or a `+json` type, in UTF-8 or without a charset. */
function isJson(type: string): boolean {
  const [essence = "", ...parameters] = type.split(";").map((part) => part.trim().toLowerCase());
  if (!/^application\/(?:[a-z0-9.-]{1,60}\+)?json$/.test(essence)) return false;
  return parameters.every(
    (parameter) => !parameter.startsWith("charset=") || /^charset="?utf-?8"?$/.test(parameter),
  );
}

/** Throws `client_closed` if the body breaks off: that is nobody's bug, and nobody is left to be told. */
async function readWhole(request: Request): Promise<Uint8Array> {
  try {
    return await readBytes(request);
  } catch (error) {
    if (error instanceof ErrandError) throw error;
    throw new ErrandError("client_closed", "the body broke off", { cause: error });
  }
}

async function readBytes(request: Request): Promise<Uint8Array> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > bodyBytesMax) throw tooLarge();
  // The HTTP parser holds a body to its declared length, so that it can be read at once.
  if (declared !== null && /^\d{1,8}$/.test(declared)) {
    const whole = new Uint8Array(await request.arrayBuffer());
    if (whole.byteLength > bodyBytesMax) throw tooLarge();
    return whole;
  }
  return await readChunks(request);
}

async function readChunks(request: Request): Promise<Uint8Array> {
  const reader = request.body?.getReader();
  if (reader === undefined) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    // Chunks come one after the other.
    // oxlint-disable-next-line no-await-in-loop
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > bodyBytesMax) {
      void reader.cancel().catch(() => undefined);
      throw tooLarge();
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function tooLarge(): ErrandError {
  return new ErrandError("too_large", `the body is larger than ${bodyBytesMax} bytes`);
}

function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new ErrandError("invalid_request", "the body is not UTF-8");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ErrandError("invalid_request", "the body is not JSON");
  }
  check(value);
  return value;
}

/** Walks the whole value without recursion: a body of brackets must not overflow the stack. */
function check(root: unknown): void {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    const below: unknown[] = [];
    for (const value of level) {
      if (typeof value === "number" && !Number.isFinite(value)) {
        throw new ErrandError(
          "invalid_request",
          "the body holds a number that is too large for JSON's doubles",
        );
      }
      if (typeof value !== "object" || value === null) continue;
      if (depth >= jsonDepthMax)
        throw new ErrandError(
          "invalid_request",
          `the body is nested deeper than ${jsonDepthMax} levels`,
        );
      for (const inner of Object.values(value)) below.push(inner);
    }
    level = below;
  }
}
