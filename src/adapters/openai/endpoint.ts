import { ErrandError } from "../../core/errors.ts";
import {
  type AnswerPhase,
  connectionCode,
  endpointFailure,
  type EndpointError,
  readEndpointError,
  retryAfterMs,
  silentCodes,
} from "../../ports/model-failure.ts";
import { ModelError } from "../../ports/models.ts";
import { errorBytesMax } from "./answer-limits.ts";

/** The part of a body's reader that this client uses; that of a web `ReadableStream` is one. */
export interface ByteReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(reason?: unknown): Promise<void>;
}

/** The part of a `Response` that this client uses. */
export interface EndpointResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: { getReader(): ByteReader } | null;
}

/**
 * The part of `fetch` that this client uses. The global `fetch` is one; on Node `nodeFetch` of adapters/node costs less
 * per token and has no timeouts of its own. It must end the request and the body when `signal` aborts.
 */
export type EndpointFetch = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly redirect: "manual";
    readonly signal: AbortSignal;
  },
) => Promise<EndpointResponse>;

/** One endpoint: where it is, how it is called. */
export interface Endpoint {
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly fetch: EndpointFetch;
}

/** Checks a base URL: http or https, no user, query or fragment. Throws {@link ErrandError} `invalid_request`. */
export function checkBaseUrl(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (url === undefined || !isHttp || url.username || url.password || url.search || url.hash)
    throw new ErrandError(
      "invalid_request",
      `The model endpoint's base URL must look like http://localhost:1234/v1, without user, query and fragment; got ${isHttp ? url?.origin : JSON.stringify(baseUrl.slice(0, 100))}`,
    );
  return url.href.replace(/\/+$/, "");
}

/**
 * Sends one request and answers the response if it is a success. Throws {@link ModelError} by what failed, or the
 * signal's reason if it aborted. Redirects are not followed: the key must not travel to another host.
 */
export async function request(
  endpoint: Endpoint,
  path: string,
  body: string | undefined,
  signal: AbortSignal,
): Promise<EndpointResponse> {
  signal.throwIfAborted();
  const url = endpoint.baseUrl + path;
  let response: EndpointResponse;
  try {
    response = await endpoint.fetch(url, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        accept: body === undefined ? "application/json" : "text/event-stream, application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(endpoint.apiKey === undefined ? {} : { authorization: `Bearer ${endpoint.apiKey}` }),
      },
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal,
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw connectionError(endpoint, cause, "refused");
  }
  if (response.status >= 200 && response.status < 300) return response;
  throw await refusal(endpoint, url, response, signal);
}

/** Reads a body of at most `bytesMax` bytes as text; what is above is left unread and `whole` is false. */
export async function readText(
  response: EndpointResponse,
  bytesMax: number,
): Promise<{ readonly text: string; readonly whole: boolean }> {
  const reader = response.body?.getReader();
  if (reader === undefined) return { text: "", whole: true };
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value === undefined)
      return { text: parts.join("") + decoder.decode(), whole: true };
    bytes += value.length;
    if (bytes > bytesMax) {
      await reader.cancel();
      return { text: parts.join(""), whole: false };
    }
    parts.push(decoder.decode(value, { stream: true }));
  }
}

/** Reads what a body says about an error; nothing if the connection fails, because the status says enough then. */
export async function readError(
  response: EndpointResponse,
  signal: AbortSignal,
): Promise<EndpointError> {
  let body = "";
  try {
    body = (await readText(response, errorBytesMax)).text;
  } catch {
    signal.throwIfAborted();
  }
  return readEndpointError(body);
}

/**
 * The error for a connection that failed, with the system's code ("ECONNREFUSED") in its message. `fallback` is what it
 * means unless the code says better: `refused` before the answer began, its phase after, `broken` where it has none.
 */
export function connectionError(
  endpoint: Endpoint,
  cause: unknown,
  fallback: "refused" | "broken" | AnswerPhase,
): ModelError {
  const code = connectionCode(cause);
  const isTimeout = silentCodes.has(code);
  const what = fallback === "refused" ? "cannot be reached" : "closed the connection";
  const message = isTimeout
    ? `the endpoint at ${endpoint.baseUrl} was silent longer than fetch waits (300 s)`
    : `the endpoint at ${endpoint.baseUrl} ${what}${code === "" ? "" : ` (${code})`}`;
  const silent = fallback === "generating" ? "stalled" : "prefill";
  return new ModelError(isTimeout ? silent : fallback, message, { cause });
}

/** The error for an answer that is not what was asked for: an error body with status 200, a web page. */
export function unexpectedAnswer(
  endpoint: Endpoint,
  url: string,
  status: number,
  error: EndpointError,
  retryAfter?: number,
): ModelError {
  const isSuccess = status < 300;
  const words = redact(endpoint, error.message || error.code);
  return new ModelError(
    endpointFailure(isSuccess ? undefined : status, error),
    `${url} answered ${status}${words === "" ? "" : `: ${words}`}`,
    { status, retryAfterMs: retryAfter },
  );
}

async function refusal(
  endpoint: Endpoint,
  url: string,
  response: EndpointResponse,
  signal: AbortSignal,
): Promise<ModelError> {
  const error = await readError(response, signal);
  const wait = retryAfterMs((name) => response.headers.get(name), Date.now());
  return unexpectedAnswer(endpoint, url, response.status, error, wait);
}

/** Servers may repeat the key in their error; it must reach no log (S17). */
function redact(endpoint: Endpoint, words: string): string {
  return endpoint.apiKey === undefined || endpoint.apiKey === ""
    ? words
    : words.replaceAll(endpoint.apiKey, "[key]");
}
