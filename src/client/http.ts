import { decodeProblem } from "./decode.ts";
import { RequestFailed } from "./failure.ts";

/** Everything one call needs beside its path. */
export interface CallOptions {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

/** Calls the server. Both throw `RequestFailed`, or the reason of the caller's own signal. */
export interface Http {
  /** Answers with a good response (2xx, 304), body unread. */
  send(path: string, options?: CallOptions): Promise<Response>;
  /** Reads the body of a good response as JSON, and through `decode`. */
  json<T>(path: string, decode: (value: unknown) => T, options?: CallOptions): Promise<T>;
}

/** What the client's maker says about the server. */
export interface HttpConfig {
  /** For example `http://127.0.0.1:8787`; "" is the page's own origin. */
  readonly baseUrl: string;
  readonly apiKey: () => string | null;
  readonly fetch: typeof fetch;
  /** A new id for X-Request-Id: the same id stands in the server's log. */
  readonly requestId: () => string;
}

/** Makes the caller. Every request carries X-Request-Id and, if there is one, the API key. */
export function createHttp(config: HttpConfig): Http {
  const send = (path: string, options: CallOptions = {}): Promise<Response> =>
    sendRequest(config, path, options);
  return {
    send,
    async json(path, decode, options) {
      const response = await send(path, options);
      return readJson(response, decode);
    },
  };
}

/** Reads a good response's JSON. Throws `RequestFailed` (`confusing`) if it is not what it should be. */
export async function readJson<T>(response: Response, decode: (value: unknown) => T): Promise<T> {
  let value: unknown;
  try {
    value = await response.json();
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    // A body that ends too early is a lost connection; one that ends and is no JSON is not from Errand.
    if (cause instanceof TypeError) {
      throw new RequestFailed({ kind: "network", detail: "the answer broke off" }, { cause });
    }
    throw new RequestFailed({ kind: "confusing", detail: "the answer is not JSON" }, { cause });
  }
  try {
    return decode(value);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : "the answer has another shape";
    throw new RequestFailed({ kind: "confusing", detail }, { cause });
  }
}

async function sendRequest(
  config: HttpConfig,
  path: string,
  options: CallOptions,
): Promise<Response> {
  const key = config.apiKey();
  let response: Response;
  try {
    response = await config.fetch(addressOf(config.baseUrl, path, options.query), {
      method: options.method ?? "GET",
      headers: {
        "X-Request-Id": config.requestId(),
        ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
        ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      // Answers belong to one user and change all the time.
      cache: "no-store",
    });
  } catch (cause) {
    if (options.signal?.aborted === true) throw cause;
    throw new RequestFailed({ kind: "network", detail: "no answer came" }, { cause });
  }
  if (response.ok || response.status === 304) return response;
  throw await refusalOf(response);
}

async function refusalOf(response: Response): Promise<RequestFailed> {
  const { status } = response;
  let body: unknown = null;
  try {
    body = await response.json();
  } catch {
    // A proxy's page, or a body cut short: the status says enough.
  }
  const problem = decodeProblem(body, status);
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  const retryAfterMs = problem.retryAfterMs ?? (Number.isFinite(seconds) ? seconds * 1000 : null);
  const requestId = problem.requestId ?? response.headers.get("X-Request-Id");
  const kind = status >= 500 ? "server" : "refused";
  return new RequestFailed({ kind, ...problem, status, retryAfterMs, requestId });
}

function addressOf(baseUrl: string, path: string, query: CallOptions["query"]): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  const search = parameters.size === 0 ? "" : `?${parameters.toString()}`;
  return `${baseUrl.replace(/\/$/, "")}${path}${search}`;
}
