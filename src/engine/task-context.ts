import { asKnownToCaller } from "./erased-types.ts";
import { ErrandError, type ErrorData } from "../core/errors.ts";
import { isName } from "../core/ids.ts";
import { detailsCharsMax, durationMsMax, questionCharsMax } from "../core/limits.ts";
import type { ApprovalAnswer, Progress } from "../core/task/events.ts";
import type { Operation } from "../core/task/state.ts";
import type { TaskSpec } from "../core/task/spec.ts";
import type { Delta } from "../ports/models.ts";
import type {
  Approved,
  ApproveOptions,
  Child,
  LanguageModelFactory,
  SpawnOptions,
  StepContext,
  TaskContext,
} from "./context.ts";
import { embed, generate } from "./model-call.ts";
import type { CallPorts } from "./stream-call.ts";
import { toJson, type Segment } from "./segment.ts";
import { toolBox } from "./tool-ledger.ts";
import { unpackVector, vectorsOf } from "./vectors.ts";

/** What a context needs of the engine. */
export interface ContextPorts extends CallPorts {
  readonly languageModel?: LanguageModelFactory | undefined;
  /** Spec of a child of `userId`; throws `unknown_type` or `invalid_request`. */
  childSpec(
    parent: TaskSpec,
    type: string,
    input: unknown,
    options: SpawnOptions,
  ): Omit<TaskSpec, "rootId" | "parentId" | "depth">;
}

/** Where a context keeps its segment, for the accessors it inherits. */
const ofSegment = Symbol("segment");

/**
 * What contexts inherit. Written into the context itself, the accessor would make V8 build hidden classes for each single
 * one, in the old heap, and they keep all that a task had until the next full collection.
 */
const inherited = {
  get signal(): AbortSignal {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Only contexts made below inherit it.
    return (this as unknown as { readonly [ofSegment]: Segment })[ofSegment].signal;
  },
};

/**
 * The context of one segment: see {@link TaskContext} for what each operation guarantees. A literal, because handlers take
 * operations out of it, and functions that a constructor assigns to fields are kept as that accessor would be.
 */
export function taskContext(segment: Segment, ports: ContextPorts): TaskContext {
  const { spec } = segment;
  const own: Omit<TaskContext, "signal"> & { readonly [ofSegment]: Segment } = {
    // @ts-expect-error -- The language's own way to say what a literal inherits; TypeScript takes it for a field.
    __proto__: inherited,
    [ofSegment]: segment,
    taskId: segment.taskId,
    userId: spec.userId,
    sessionId: spec.sessionId ?? null,
    attempt: segment.attempt,
    step: (name, fn) => step(segment, name, fn),
    sleep: (ms, options = {}) => sleep(segment, ms, options.name),
    waitForEvent: (name, options = {}) => waitForEvent(segment, name, options.timeoutMs),
    approve: (question, options = {}) => approve(segment, question, options),
    spawn: (type, input, options = {}) => spawn(segment, ports, type, input, options),
    async progress(progress) {
      // A copy: it is stored in a later turn, and must be what it was when it was told.
      const told = toJson(progress, "the progress");
      await segment.ask({ type: "progress", progress: asKnownToCaller<Progress>(told) });
    },
    async write(text) {
      const transcript = await segment.transcript();
      segment.stopwatch.touch();
      await transcript.write(text);
    },
    generate: (role, request) => generate(segment, ports, role, request),
    async embed(role, request) {
      const { text } = await embed(segment, ports, role, request);
      return vectorsOf(text).map(unpackVector);
    },
    model: (role) => languageModel(context, ports, role),
    tools: (definitions) => toolBox(segment, definitions, (text) => ports.sha256(text)),
    hasModel: (role) => ports.roles.has(role),
  };
  // It inherits the rest.
  const context = asKnownToCaller<TaskContext>(own);
  return context;
}

/** A {@link StepContext}. */
class ContextOfStep implements StepContext {
  readonly #segment: Segment;
  readonly attempt: number;
  readonly key: string;

  constructor(segment: Segment, name: string) {
    this.#segment = segment;
    this.attempt = segment.attempt;
    this.key = `${segment.taskId}:${name}`;
  }

  get signal(): AbortSignal {
    return this.#segment.signal;
  }
}

async function step<T>(
  segment: Segment,
  name: string,
  fn: (ctx: StepContext) => Promise<T> | T,
): Promise<T> {
  checkName("step", name);
  const op = `step:${name}`;
  segment.claim(op);
  const before = segment.operation(op);
  // What a step returned was JSON when it was stored, and is the same JSON now: its type is the caller's own.
  if (before?.kind === "step") return asKnownToCaller<T>(before.result);
  const context = new ContextOfStep(segment, name);
  const result = toJson(await segment.work(() => fn(context)), `the result of step "${name}"`);
  await segment.ask({ type: "step", op, result });
  return asKnownToCaller<T>(result);
}

/**
 * Whether something of the handler works beside the wait that begins: a crash then must not leave that until the wait is
 * over. Looked at a moment later, when what was begun in the same breath, as in `Promise.race`, has begun.
 */
async function besideWork(segment: Segment): Promise<{ readonly beside?: true }> {
  await Promise.resolve();
  return segment.isAtWork ? { beside: true } : {};
}

async function sleep(segment: Segment, ms: number, name: string | undefined): Promise<void> {
  checkMs("sleep", ms, 0);
  const op = name === undefined ? segment.ordinal("sleep") : `sleep:${name}`;
  segment.claim(op);
  if (segment.operation(op) === undefined)
    await segment.ask({ type: "sleep", op, ms, ...(await besideWork(segment)) });
  await segment.waitFor(
    op,
    (operation): operation is Extract<Operation, { kind: "sleep" }> =>
      operation?.kind === "sleep" && operation.done,
  );
}

async function waitForEvent<T>(
  segment: Segment,
  name: string,
  timeoutMs: number | undefined,
): Promise<{ readonly payload: T } | null> {
  checkName("event", name);
  if (timeoutMs !== undefined) checkMs("timeoutMs", timeoutMs, 1);
  const op = segment.ordinal(`wait:${name}`);
  segment.claim(op);
  if (segment.operation(op) === undefined) {
    await segment.ask({
      type: "wait",
      op,
      name,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(await besideWork(segment)),
    });
  }
  const wait = await segment.waitFor(
    op,
    (operation): operation is Extract<Operation, { kind: "wait" }> =>
      operation?.kind === "wait" && operation.done,
  );
  // The payload is JSON from outside; its type is what the handler's author expects of the sender.
  return wait.timedOut ? null : { payload: asKnownToCaller<T>(wait.payload) };
}

async function approve(
  segment: Segment,
  question: string,
  { name, details, timeoutMs }: ApproveOptions,
): Promise<Approved> {
  if (name !== undefined) checkName("approval", name);
  if (timeoutMs !== undefined) checkMs("timeoutMs", timeoutMs, 1);
  if (question.trim() === "" || question.length > questionCharsMax) {
    const range = `1..${questionCharsMax} characters`;
    throw new ErrandError("fatal", `the question of an approval must have ${range}`);
  }
  const told = details === undefined ? undefined : toJson(details, "the details of an approval");
  if (told !== undefined && JSON.stringify(told).length > detailsCharsMax) {
    const most = `at most ${detailsCharsMax} characters of JSON`;
    throw new ErrandError("too_large", `the details of an approval may have ${most}`);
  }
  const op = name === undefined ? segment.ordinal("approval") : `approval:${name}`;
  segment.claim(op);
  if (segment.operation(op) === undefined) {
    await segment.ask({
      type: "wait",
      op,
      name: op,
      approval: { question, ...(told === undefined ? {} : { details: told }) },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(await besideWork(segment)),
    });
  }
  const wait = await segment.waitFor(
    op,
    (operation): operation is Extract<Operation, { kind: "wait" }> =>
      operation?.kind === "wait" && operation.done,
  );
  if (wait.timedOut) return { approved: false, comment: null, timedOut: true };
  // What ends such a wait is an answer that the core has written.
  const answer = asKnownToCaller<ApprovalAnswer>(wait.payload);
  return { approved: answer.approved, comment: answer.comment ?? null, timedOut: false };
}

type ChildOperation = Extract<Operation, { kind: "child" }>;

async function spawn<O>(
  segment: Segment,
  ports: ContextPorts,
  type: string,
  input: unknown,
  options: SpawnOptions,
): Promise<Child<O>> {
  if (options.name !== undefined) checkName("child", options.name);
  const op =
    options.name === undefined ? segment.ordinal(`child:${type}`) : `child:${options.name}`;
  segment.claim(op);
  const before = segment.operation(op);
  const id =
    before?.kind === "child"
      ? before.child
      : childId(
          await segment.ask({
            type: "spawn",
            op,
            spec: ports.childSpec(segment.spec, type, input, options),
          }),
        );
  const settled: Child<O>["settled"] = async () => {
    const known = segment.operation(op);
    if (known?.kind !== "child" || known.end === null)
      await segment.ask({ type: "join", ops: [op], ...(await besideWork(segment)) });
    const ended = await segment.waitFor(
      op,
      (operation): operation is ChildOperation =>
        operation?.kind === "child" && operation.end !== null,
    );
    const end = ended.end;
    // The output is JSON of the child's handler; its type is what the caller knows of that task type.
    return {
      status: end?.status ?? "failed",
      output: asKnownToCaller<O | null>(end?.output ?? null),
      error: end?.error ?? null,
    };
  };
  return {
    id,
    settled,
    async result() {
      const { status, output, error } = await settled();
      if (status === "completed") return asKnownToCaller<O>(output);
      throw childError(id, status, error);
    },
  };
}

function childId(reply: unknown): string {
  if (
    typeof reply === "object" &&
    reply !== null &&
    "child" in reply &&
    typeof reply.child === "string"
  )
    return reply.child;
  throw new ErrandError("internal", "a spawn was answered without a child");
}

function childError(id: string, status: string, error: ErrorData | null): ErrandError {
  return new ErrandError(
    "child_failed",
    `subtask ${id} ${status}: ${error?.message ?? "no reason was given"}`,
  );
}

function languageModel(context: TaskContext, ports: ContextPorts, role: string): unknown {
  if (ports.languageModel === undefined) {
    throw new ErrandError(
      "internal",
      "this host was built without the AI SDK adapter: use ctx.generate",
    );
  }
  const { model } = ports.roles.resolve(role);
  return ports.languageModel(model, async function* run(call): AsyncIterable<readonly Delta[]> {
    const result = await context.generate(role, call);
    const deltas: Delta[] = [];
    if (result.reasoning !== undefined) deltas.push({ type: "reasoning", text: result.reasoning });
    if (result.text !== "") deltas.push({ type: "text", text: result.text });
    for (const toolCall of result.toolCalls ?? [])
      deltas.push({ type: "toolCall", call: toolCall });
    if (result.usage !== undefined) deltas.push({ type: "usage", ...result.usage });
    deltas.push({ type: "finish", reason: result.finish });
    yield deltas;
  });
}

function checkName(what: string, name: string): void {
  if (!isName(name))
    throw new ErrandError(
      "fatal",
      `the name of a ${what} is 1..100 of letters, digits and "_ . : -", got "${name}"`,
    );
}

function checkMs(what: string, ms: number, min: number): void {
  if (!Number.isFinite(ms) || ms < min || ms > durationMsMax) {
    throw new ErrandError(
      "fatal",
      `${what} must be ${min}..${durationMsMax} milliseconds, got ${ms}`,
    );
  }
}
