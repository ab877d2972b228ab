import { ErrandError, type FieldError } from "../core/errors.ts";
import { isName } from "../core/ids.ts";
import { attemptsMaxMax, durationMsMax } from "../core/limits.ts";
import { slotsMax, type Priority } from "../core/queue/protocol.ts";
import { costMax, costMin } from "../core/schedule/rule.ts";
import { retryDefault, type RetryPolicy } from "../core/task/spec.ts";
import type { GenerateRequest, TaskContext } from "./context.ts";

/**
 * A schema in the form of Standard Schema v1 (https://standardschema.dev): zod, valibot, arktype and others have
 * it. Only synchronous validation is supported.
 */
export interface Schema<T> {
  readonly "~standard": {
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>;
  };
}

/** Answer of a Standard Schema: a value, or issues with the path of the field. */
export type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly unknown[] | undefined;
      }[];
    };

/** Options of a task type. Durations are milliseconds, at most ten years. */
export interface TaskOptions<I> {
  /** Worker pool whose slots bound starts. Default "tasks". */
  readonly queue?: string;
  /** Default "background". */
  readonly priority?: Priority;
  /** Checks and types the input at submit; a wrong one is refused with 400 and never becomes a task. */
  readonly input?: Schema<I>;
  readonly retry?: Partial<RetryPolicy>;
  /** Queued longer than this: expired. Default: no limit. */
  readonly ttlMs?: number;
  /** Active time of one attempt; waiting inside does not count. Default 300,000. */
  readonly timeoutMs?: number;
  /** No token, step or progress for this long fails the attempt. Default: 120,000 inside model calls only. */
  readonly idleTimeoutMs?: number;
  /** From submit to end, over all attempts. Default: no limit. */
  readonly deadlineMs?: number;
  /** How many tasks of this type may hold a start slot, in all and per fairness key. */
  readonly concurrency?: { readonly total?: number; readonly perKey?: number };
  /** Predicted slot-seconds of a start, for the order inside a user's work. Default 0.05. */
  readonly cost?: number;
  /**
   * Slots of its queue that a start takes, 1..10,000, or all of them: a training that needs half a GPU beside a chat model.
   * Default 1.
   */
  readonly slots?: number | "all";
  /** Runs the handler outside the server's thread, so that one that never yields can be killed at its timeout. */
  readonly isolate?: "thread" | "process";
  /**
   * The call that the handler begins with, word for word, if the input says it: it is asked for in the commit that starts
   * an attempt. If the handler asks for another after all, this one is given back unmade.
   */
  firstCall?(input: I): { readonly role: string; readonly request: GenerateRequest };
  /** Only the server itself submits it: for doors and schedules there is no such type. */
  readonly internal?: boolean;
  /** Module that exports the task type, for `isolate`. */
  readonly module?: string;
}

/** A task type: its name, options and handler. */
export interface TaskType<I = unknown, O = unknown> {
  readonly type: string;
  readonly options: TaskOptions<I>;
  readonly handler: (input: I, ctx: TaskContext) => Promise<O> | O;
}

/** A task type of unknown input, as the engine keeps it. */
export interface AnyTaskType {
  readonly type: string;
  readonly options: TaskOptions<unknown>;
  readonly handler: (input: never, ctx: TaskContext) => unknown;
}

/**
 * Defines a task type. The handler may run more than once (retry, crash); steps, waits, model calls and children
 * inside it are memoised by name, so their effects enter the log once. Throws `invalid_request` for a bad option.
 *
 * ```ts
 * export const greet = defineTask("greet", { retry: { attemptsMax: 5 } }, async (input: { name: string }, ctx) => {
 *   const text = await ctx.step("compose", () => `Hello ${input.name}`);
 *   return { text };
 * });
 * ```
 */
export function defineTask<I, O>(
  type: string,
  options: TaskOptions<I>,
  handler: (input: I, ctx: TaskContext) => Promise<O> | O,
): TaskType<I, O> {
  if (!isName(type)) {
    throw new ErrandError(
      "invalid_request",
      `a task type's name is 1..100 of letters, digits and "_ . : -", got "${type}"`,
    );
  }
  checkRange(type, "ttlMs", options.ttlMs, 1, durationMsMax);
  checkRange(type, "timeoutMs", options.timeoutMs, 1, durationMsMax);
  checkRange(type, "idleTimeoutMs", options.idleTimeoutMs, 1, durationMsMax);
  checkRange(type, "deadlineMs", options.deadlineMs, 1, durationMsMax);
  checkRetry(type, options.retry ?? {});
  checkPlace(type, options);
  return { type, options, handler };
}

/** Where its starts wait, and how many of them run. */
function checkPlace<I>(type: string, { queue, priority, slots, ...options }: TaskOptions<I>): void {
  const wrong = (field: string, range: string, value: unknown): ErrandError =>
    new ErrandError(
      "invalid_request",
      `${field} of task type "${type}" must be ${range}, got ${JSON.stringify(value)}`,
    );
  if (queue !== undefined && !(typeof queue === "string" && isName(queue)))
    throw wrong("queue", '1..100 of letters, digits and "_ . : -"', queue);
  if (priority !== undefined && !priorities.has(priority))
    throw wrong("priority", [...priorities].join(", "), priority);
  const isCount = (value: unknown): boolean =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= slotsMax;
  if (slots !== undefined && slots !== "all" && !isCount(slots))
    throw wrong("slots", `a whole number 1..${slotsMax}, or "all"`, slots);
  for (const field of ["total", "perKey"] as const) {
    const cap = options.concurrency?.[field];
    if (cap !== undefined && !isCount(cap))
      throw wrong(`concurrency.${field}`, `a whole number 1..${slotsMax}`, cap);
  }
  checkRange(type, "cost", options.cost, costMin, costMax);
}

const priorities: ReadonlySet<string> = new Set<Priority>(["interactive", "background", "batch"]);

/** Checks the given fields of a retry policy. Throws `invalid_request` that names the field and its range. */
export function checkRetry(type: string, retry: Partial<RetryPolicy>): void {
  checkRange(type, "retry.attemptsMax", retry.attemptsMax, 1, attemptsMaxMax);
  checkRange(type, "retry.minDelayMs", retry.minDelayMs, 0, durationMsMax);
  checkRange(type, "retry.maxDelayMs", retry.maxDelayMs, 0, durationMsMax);
  checkRange(type, "retry.factor", retry.factor, 1, 100);
  checkRange(type, "retry.jitter", retry.jitter, 0, 1);
}

function checkRange(
  type: string,
  field: string,
  value: number | undefined,
  min: number,
  max: number,
): void {
  if (value === undefined || (Number.isFinite(value) && value >= min && value <= max)) return;
  throw new ErrandError(
    "invalid_request",
    `${field} of task type "${type}" must be ${min}..${max}, got ${value}`,
  );
}

/** The whole retry policy of a task type. */
export function retryOf(options: TaskOptions<unknown>): RetryPolicy | undefined {
  return options.retry === undefined ? undefined : { ...retryDefault, ...options.retry };
}

/** Checks an input against its type's schema. Throws `invalid_request` that names every wrong field. */
export function parseInput(task: AnyTaskType, input: unknown): unknown {
  const schema = task.options.input;
  if (schema === undefined) return input;
  const result = schema["~standard"].validate(input);
  if (result instanceof Promise) {
    throw new ErrandError(
      "internal",
      `the input schema of task type "${task.type}" is asynchronous, which is not supported`,
    );
  }
  if (result.issues === undefined) return result.value;
  const fields: FieldError[] = result.issues.map((issue) => ({
    field: ["input", ...(issue.path ?? []).map(pathKey)].join("."),
    message: issue.message,
  }));
  const first = fields[0];
  throw new ErrandError(
    "invalid_request",
    `${first?.field ?? "input"}: ${first?.message ?? "not valid"}`,
    { fields },
  );
}

function pathKey(part: unknown): string {
  return typeof part === "object" && part !== null && "key" in part
    ? String(part.key)
    : String(part);
}
