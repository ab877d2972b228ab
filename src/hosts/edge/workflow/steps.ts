import { Buffer } from "node:buffer";

import { ErrandError } from "../../../core/errors.ts";

/** What a step's function is given. */
export interface StepRun {
  /** 1-based: a step whose function throws is run again. */
  readonly attempt: number;
  /** Aborted when the step's time is over: the platform only stops waiting for it, and would let it run on. */
  readonly signal: AbortSignal;
}

/** How a step is tried. */
export interface StepOptions {
  /** Tries after the first one. */
  readonly retries: number;
  /** Milliseconds of one try. */
  readonly timeoutMs: number;
}

/** What a flow needs of an engine of workflows: a subset of Cloudflare's `WorkflowStep`. */
export interface Steps {
  /** Runs `run` until it has returned once, and answers from the journal from then on. The result is JSON. */
  do<T>(name: string, options: StepOptions, run: (of: StepRun) => Promise<T>): Promise<T>;
  sleep(name: string, ms: number): Promise<void>;
}

/** The platform's limit of a step's result and of an event's payload: 1 MiB. Its local stand-in has none. */
export const stepBytesMax: number = 1_048_576;

/** The platform's limit of a step's name. */
const stepNameCharsMax = 256;

/** The platform's limit of a row, in which it keeps what a workflow is begun with and what it answers: 2 MB. */
export const keptBytesMax: number = 2_000_000;

/** Bytes of a value as JSON. */
export function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value) ?? "").length;
}

/** Throws `too_large` for a value that is more than a step or a payload may hold. */
export function checkBytes(value: unknown, what: string): void {
  const bytes = jsonBytes(value);
  if (bytes <= stepBytesMax) return;
  throw new ErrandError(
    "too_large",
    `${what} has ${bytes} bytes of JSON, the most on Workflows is ${stepBytesMax}; store it elsewhere and return a reference`,
  );
}

/** Most bytes that a number, and that the frame of a text, a list or a record, takes of a row. */
const numberBytes = 9;
const frameBytes = 11;

/** True if each character of a text is kept in one byte; else all of them take two. */
function isNarrow(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- All characters of one byte.
  return /^[\u0000-\u00ff]*$/.test(text);
}

/**
 * The most bytes that the platform keeps of JSON that it is given as a value: a fraction takes 9, where its text has 3, and
 * one wide character makes those beside it wide.
 */
export function keptBytes(value: unknown): number {
  if (typeof value === "string")
    return frameBytes + (isNarrow(value) ? value.length : 2 * value.length);
  if (typeof value === "number") return numberBytes;
  if (typeof value !== "object" || value === null) return 1;
  const parts: readonly unknown[] = Array.isArray(value) ? value : Object.entries(value).flat();
  return parts.reduce<number>((sum, part) => sum + keptBytes(part), frameBytes);
}

/** As {@link checkBytes}, for what the platform keeps as a value in a row of its own. */
export function checkKept(value: unknown, what: string): void {
  checkBytes(value, what);
  const bytes = keptBytes(value);
  if (bytes <= keptBytesMax) return;
  throw new ErrandError(
    "too_large",
    `${what} takes up to ${bytes} bytes of a row, which on Workflows has ${keptBytesMax}; store it elsewhere and return a reference`,
  );
}

/**
 * JSON as a text that takes the fewest bytes of a row: with its wide characters escaped, if that is shorter than making all
 * of them wide. A result that {@link checkBytes} lets pass always fits.
 */
function rowText(value: unknown): string {
  const text = JSON.stringify(value);
  if (isNarrow(text)) return text;
  const escaped = text.replaceAll(
    /[\u0100-\uffff]/g,
    (wide) => `\\u${wide.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (escaped.length >= 2 * text.length) return text;
  // Made of a wide text it would be kept wide, although each of its characters is narrow by now.
  return Buffer.from(escaped, "latin1").toString("latin1");
}

/**
 * Cloudflare's steps with what they lack: a name counts once (they would number a second one by the order of calls, which
 * a replay may change), and a function whose time is over has its signal aborted. Throws `duplicate_step`, and
 * `fatal` for a name the platform does not take.
 */
export function guardedSteps(steps: Steps): Steps {
  const used = new Set<string>();
  const claim = (name: string): void => {
    if (name.length === 0 || name.length > stepNameCharsMax)
      throw new ErrandError("fatal", `a step's name has 1..${stepNameCharsMax} characters`);
    if (used.has(name))
      throw new ErrandError(
        "duplicate_step",
        `"${name}" is used twice; names are unique in a flow`,
      );
    used.add(name);
  };
  return {
    async do(name, options, run) {
      claim(name);
      return await steps.do(name, options, async ({ attempt, signal }) => {
        const timeout = AbortSignal.timeout(options.timeoutMs);
        return await run({ attempt, signal: AbortSignal.any([signal, timeout]) });
      });
    },
    async sleep(name, ms) {
      claim(name);
      await steps.sleep(name, ms);
    },
  };
}

/** The part of Cloudflare's `WorkflowStep` that is used here. */
export interface CloudflareStep {
  do(
    name: string,
    config: {
      retries: { limit: number; delay: number; backoff: "exponential" };
      timeout: number;
    },
    callback: (of: { readonly attempt: number }) => Promise<string>,
  ): Promise<string>;
  sleep(name: string, duration: number): Promise<void>;
}

/** First wait before a step is run again; it doubles each time. */
const retryMs = 1_000;

/** The platform waits a little longer than a step's own signal. */
const graceMs = 5_000;

/** {@link Steps} on Cloudflare Workflows. Results travel as text, so that they come back as what was put in. */
export function cloudflareSteps(step: CloudflareStep): Steps {
  return {
    async do<T>(
      name: string,
      { retries, timeoutMs }: StepOptions,
      run: (of: StepRun) => Promise<T>,
    ) {
      const text = await step.do(
        name,
        {
          retries: { limit: retries, delay: retryMs, backoff: "exponential" },
          timeout: timeoutMs + graceMs,
        },
        async ({ attempt }) => {
          const { signal } = new AbortController();
          return rowText(await run({ attempt, signal }));
        },
      );
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- It is the JSON of what `run` has returned.
      return JSON.parse(text) as T;
    },
    sleep: (name, ms) => step.sleep(name, ms),
  };
}
