/** What can go wrong with an answer. The first five happen instead of an answer, the others inside a stream. */
export const faultKinds = [
  /** The connection is closed without an answer. */
  "refuse",
  /** 429 with Retry-After. */
  "rate_limit",
  /** An error answer with any `status`. */
  "status",
  /** 503 "Loading model". */
  "loading",
  /** 400 "maximum context length". */
  "overflow",
  /** Nothing more comes, the connection stays open. */
  "stall",
  /** The connection is closed in mid-stream. */
  "cut",
  /** The body ends properly, but without finish_reason and [DONE]. */
  "no_finish",
  /** One event is no JSON. */
  "malformed",
  /** One line of 4 MiB without an end. */
  "huge_line",
  /** Bytes that are no UTF-8 inside a token. */
  "bad_utf8",
  /** An error object as an event. */
  "error",
  /** The first token comes `delayMs` later. */
  "slow",
] as const;

/** One of {@link faultKinds}. */
export type FaultKind = (typeof faultKinds)[number];

/** A fault to play. */
export interface Fault {
  readonly kind: FaultKind;
  /** Tokens sent before a fault inside a stream. */
  readonly afterTokens: number;
  /** HTTP status of `status`. */
  readonly status: number;
  /** Retry-After of `rate_limit`, in ms, sent in whole seconds; 0 sends none. */
  readonly retryAfterMs: number;
  /** Extra wait of `slow`. */
  readonly delayMs: number;
  /** How many requests it hits. */
  readonly times: number;
}

const defaults: Omit<Fault, "kind"> = {
  afterTokens: 0,
  status: 500,
  retryAfterMs: 1_000,
  delayMs: 1_000,
  times: Number.MAX_SAFE_INTEGER,
};

/**
 * Reads a fault from its kind and settings (`{afterTokens: 5, times: 1}`; numbers or their text). Answers the reason in
 * words if it is none.
 */
export function readFault(
  kind: unknown,
  settings: Readonly<Record<string, unknown>>,
): Fault | string {
  const known = faultKinds.find((one) => one === kind);
  if (known === undefined)
    return `no fault is called ${JSON.stringify(kind)}: take one of ${faultKinds.join(", ")}`;
  const fault = { ...defaults, kind: known };
  for (const [name, value] of Object.entries(settings)) {
    const number = typeof value === "string" && value !== "" ? Number(value) : value;
    if (!isSetting(name))
      return `a fault has no "${name}", only ${Object.keys(defaults).join(", ")}`;
    if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 0)
      return `${name} of a fault must be a whole number of 0 or more, not ${JSON.stringify(value)}`;
    fault[name] = number;
  }
  return fault;
}

function isSetting(name: string): name is keyof typeof defaults {
  return Object.hasOwn(defaults, name);
}

/** A fault that is answered instead of a stream. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** The error answer of a fault that has one. */
export function refusalOf(fault: Fault): Refusal | undefined {
  switch (fault.kind) {
    case "rate_limit":
      return {
        ...refusal(429, "Rate limit reached, please slow down.", "rate_limit_exceeded"),
        headers:
          fault.retryAfterMs === 0
            ? {}
            : { "retry-after": String(Math.ceil(fault.retryAfterMs / 1_000)) },
      };
    case "status":
      return refusal(fault.status, `The fake model was told to answer ${fault.status}.`, "fault");
    case "loading":
      return refusal(503, "Loading model", "unavailable_error");
    case "overflow":
      return refusal(
        400,
        "This model's maximum context length is 4096 tokens. Please shorten the messages.",
        "context_length_exceeded",
      );
    default:
      return undefined;
  }
}

/** An error in OpenAI's shape. */
export function refusal(status: number, message: string, code: string): Refusal {
  const type = status < 500 ? "invalid_request_error" : "server_error";
  return { status, headers: {}, body: { error: { message, type, param: null, code } } };
}
