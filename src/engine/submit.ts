/* oxlint-disable typescript/no-unsafe-type-assertion -- `present` builds an object key by key, which the compiler cannot follow. */
import { ErrandError } from "../core/errors.ts";
import { isName, isUserId } from "../core/ids.ts";
import { jsonDepth } from "../core/json.ts";
import { durationMsMax, inputCharsMax, jsonDepthMax } from "../core/limits.ts";
import { slotsMax } from "../core/queue/protocol.ts";
import { retryDefault, type RetryPolicy, type TaskSpec } from "../core/task/spec.ts";
import { checkRetry, parseInput, retryOf, type AnyTaskType } from "./define.ts";
import type { SpawnOptions } from "./context.ts";
import type { SubmitOptions } from "./settings.ts";

/** Names of seed 002 for built-in task types. */
const aliases: Readonly<Record<string, string>> = {
  chat_message: "chat",
  tool_execution: "tool",
  document_processing: "document",
};

/** The task types of this process by name, and what weight who is charged for their tasks has. */
export class TaskTypes {
  readonly #types = new Map<string, AnyTaskType>();
  readonly #weights: ReadonlyMap<string, number>;

  /** Throws `invalid_request` for two types of one name, and for a weight out of range. */
  constructor(types: readonly AnyTaskType[], weights: Readonly<Record<string, number>> = {}) {
    for (const [key, weight] of Object.entries(weights)) checkWeight(weight, `weights.${key}`);
    this.#weights = new Map(Object.entries(weights));
    for (const type of types) {
      if (this.#types.has(type.type)) {
        throw new ErrandError(
          "invalid_request",
          `two task types are named "${type.type}"; names are unique`,
        );
      }
      this.#types.set(type.type, type);
    }
  }

  get names(): readonly string[] {
    return [...this.#types.values()]
      .filter(({ options }) => options.internal !== true)
      .map(({ type }) => type);
  }

  find(type: string): AnyTaskType | undefined {
    return this.#types.get(type) ?? this.#types.get(aliases[type] ?? "");
  }

  /** A type that anybody may submit. Throws `unknown_type` with the names there are. */
  offered(type: string): AnyTaskType {
    const found = this.find(type);
    if (found !== undefined && found.options.internal !== true) return found;
    throw this.#unknown(type);
  }

  /** Throws `unknown_type` with the names there are. */
  get(type: string): AnyTaskType {
    const found = this.find(type);
    if (found !== undefined) return found;
    throw this.#unknown(type);
  }

  /** The spec of a task of `task`'s type: the type's options, changed by the submit's own. */
  spec(task: AnyTaskType, taskId: string, input: unknown, options: SubmitOptions): TaskSpec {
    const weight = options.weight ?? this.#weights.get(options.fairnessKey ?? options.userId ?? "");
    return specFor(task, taskId, input, weight === undefined ? options : { ...options, weight });
  }

  /**
   * The spec of a child of `parent`. Whoever is charged for a tree is charged for all of it, and who waits for a person's
   * answer must not wait behind work of the background.
   */
  childSpec(
    { userId, sessionId, priority, key, weight }: TaskSpec,
    type: string,
    input: unknown,
    options: SpawnOptions,
  ): TaskSpec {
    const { name: _name, ...rest } = options;
    const task = this.get(type);
    return this.spec(task, "", input, {
      ...rest,
      ...(key === undefined ? {} : { fairnessKey: key }),
      ...(weight === undefined ? {} : { weight }),
      priority: options.priority ?? task.options.priority ?? priority,
      userId,
      ...(sessionId === undefined ? {} : { sessionId }),
    });
  }

  #unknown(type: string): ErrandError {
    return new ErrandError(
      "unknown_type",
      `there is no task type "${type.slice(0, 100)}"; there are: ${this.names.join(", ")}`,
    );
  }
}

const durations = ["delayMs", "ttlMs", "timeoutMs", "idleTimeoutMs", "deadlineMs"] as const;

function checkWeight(weight: number, field: string): void {
  if (weight >= 0.01 && weight <= 100) return;
  throw new ErrandError("invalid_request", `${field} must be 0.01..100, got ${weight}`, {
    fields: [{ field, message: "must be 0.01..100" }],
  });
}

function checkOptions(options: SubmitOptions): void {
  for (const field of durations) {
    const value = options[field];
    const min = field === "delayMs" ? 0 : 1;
    if (
      value !== undefined &&
      !(Number.isFinite(value) && value >= min && value <= durationMsMax)
    ) {
      throw new ErrandError(
        "invalid_request",
        `${field} must be ${min}..${durationMsMax} milliseconds, got ${value}`,
        {
          fields: [{ field, message: `must be ${min}..${durationMsMax}` }],
        },
      );
    }
  }
  const { weight, userId, fairnessKey } = options;
  if (weight !== undefined) checkWeight(weight, "weight");
  if (userId !== undefined && !isUserId(userId)) {
    throw new ErrandError(
      "invalid_request",
      `userId must be 1..64 of letters, digits and "_ . @ -", got "${userId.slice(0, 80)}"`,
    );
  }
  if (fairnessKey !== undefined && !isName(fairnessKey)) {
    throw new ErrandError(
      "invalid_request",
      `fairnessKey must be 1..100 of letters, digits and "_ . : -"`,
    );
  }
}

function retryFor(task: AnyTaskType, options: SubmitOptions): RetryPolicy | undefined {
  if (options.retry === undefined) return retryOf(task.options);
  checkRetry(task.type, options.retry);
  return { ...retryDefault, ...task.options.retry, ...options.retry };
}

/** An input as it will be stored. Throws `too_large` or `invalid_request`. */
export function checkedInput(task: AnyTaskType, input: unknown): unknown {
  if (jsonDepth(input) > jsonDepthMax) {
    throw new ErrandError("invalid_request", `input is nested deeper than ${jsonDepthMax} levels`);
  }
  const parsed = parseInput(task, input) ?? null;
  if (typeof parsed !== "object" || parsed === null) return parsed;
  const { length } = JSON.stringify(parsed);
  if (length > inputCharsMax)
    throw new ErrandError(
      "too_large",
      `input has ${length} characters of JSON, the most is ${inputCharsMax}`,
    );
  return parsed;
}

/** Fields of an object that are not undefined, for exact optional types. */
function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: Partial<T> = {};
  for (const key of Object.keys(fields) as (keyof T)[])
    if (fields[key] !== undefined) kept[key] = fields[key];
  return kept as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function specFor(
  task: AnyTaskType,
  taskId: string,
  input: unknown,
  options: SubmitOptions,
): TaskSpec {
  checkOptions(options);
  const own = task.options;
  return {
    type: task.type,
    userId: options.userId ?? "local",
    input: checkedInput(task, input),
    queue: own.queue ?? "tasks",
    priority: options.priority ?? own.priority ?? "background",
    rootId: taskId,
    ...present({
      sessionId: options.sessionId,
      delayMs: options.delayMs,
      title: options.title,
      key: options.fairnessKey,
      weight: options.weight,
      cost: own.cost,
      slots: own.slots === "all" ? slotsMax : own.slots,
      capTotal: own.concurrency?.total,
      capPerKey: own.concurrency?.perKey,
      retry: retryFor(task, options),
      ttlMs: options.ttlMs ?? own.ttlMs,
      timeoutMs: options.timeoutMs ?? own.timeoutMs,
      idleTimeoutMs: options.idleTimeoutMs ?? own.idleTimeoutMs,
      deadlineMs: options.deadlineMs ?? own.deadlineMs,
      traceparent: options.traceparent,
    }),
  };
}
