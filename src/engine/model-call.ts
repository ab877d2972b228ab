import { ErrandError, errorData, type ErrorData } from "../core/errors.ts";
import { canonicalJson } from "../core/json.ts";
import { resultCharsMax } from "../core/limits.ts";
import type { CallResult } from "../core/task/events.ts";
import type { CallOperation, Operation } from "../core/task/state.ts";
import { ModelError, type Delta, type ModelCall, type PromptMessage } from "../ports/models.ts";
import type { EmbedRequest, GenerateRequest } from "./context.ts";
import { endpointQueue, type Endpoint, type Roles } from "./endpoints.ts";
import type { Segment } from "./segment.ts";
import type { Transcript } from "./transcript.ts";
import { packVector } from "./vectors.ts";

/** Rough characters a token has, to guess a prompt's length before the endpoint counts it. */
const charsPerToken = 4;

/** Answer tokens assumed until the queue has seen calls of the type and role. */
const outputTokensGuess = 300;

/** Tries of one call by what its failure allows. A rejected prompt is never sent again. */
const triesMax: Record<ModelError["failure"], number> = {
  refused: 5,
  loading: 30,
  rate_limited: 20,
  broken: 3,
  stalled: 2,
  rejected: 1,
  context_overflow: 1,
};

/** What a model call needs besides its segment. */
export interface CallPorts {
  readonly roles: Roles;
  sha256(text: string): Promise<string>;
  /** The call's slot is free: the upstream socket is closed. Used when the task ended under the call. */
  released(queue: string, call: string): void;
}

function isCall(operation: Operation | undefined): operation is CallOperation {
  return operation?.kind === "call";
}

function isTurn(operation: Operation | undefined): operation is CallOperation {
  return (
    isCall(operation) &&
    (operation.state === "granted" || operation.state === "done" || operation.state === "failed")
  );
}

/**
 * One scheduled model call. Memoised by name (or role and order) and the hash of its prompt; waits for a slot of
 * the endpoint's queue; every token is stored before it is shown; failures are retried as their class allows,
 * by asking the queue again.
 */
export async function generate(
  segment: Segment,
  ports: CallPorts,
  role: string,
  request: GenerateRequest,
): Promise<CallResult> {
  const { name, show = name === undefined, outsideTools, last = false, ...asked } = request;
  const op = name === undefined ? segment.ordinal(`call:${role}`) : `call:${name}`;
  segment.claim(op);
  for (const message of asked.messages) {
    if (outsideTools === true || message.role !== "tool") continue;
    if (segment.ledgered.has(message.toolCallId)) continue;
    throw new ErrandError(
      "unledgered_tool",
      `the prompt holds a result of tool call "${message.toolCallId}" that ctx.tools did not give`,
    );
  }
  const hash = await ports.sha256(canonicalJson({ role, ...asked }));
  const { target, ...call } = asked;
  const { endpoint, model } = ports.roles.resolve(role, target);
  const transcript = show ? await segment.transcript() : null;
  const on: Attempt = { segment, ports, endpoint, transcript, op, role, model, last };
  const cost = costOf(asked.messages, endpoint);
  return await scheduled(on, { hash, cost }, () => consume(on, { model, ...call }));
}

/**
 * One scheduled call for vectors, memoised like {@link generate}. The result's text holds each vector as base64 of its
 * 32-bit floats, separated by line ends. Throws `too_large` for more of them than an event holds.
 */
export async function embed(
  segment: Segment,
  ports: CallPorts,
  role: string,
  { texts, name, target }: EmbedRequest,
): Promise<CallResult> {
  const op = name === undefined ? segment.ordinal(`embed:${role}`) : `call:${name}`;
  segment.claim(op);
  const hash = await ports.sha256(canonicalJson({ role, texts, target }));
  const { endpoint, model } = ports.roles.resolve(role, target);
  const on: Attempt = { segment, ports, endpoint, transcript: null, op, role, model, last: false };
  const chars = texts.reduce((sum, text) => sum + text.length, 0);
  const inputTokens = chars / charsPerToken;
  const lead = 0.05 + inputTokens / endpoint.promptTokensPerSecond;
  const cost: Cost = { lead, cost: lead, tokens: Math.round(inputTokens) };
  return await scheduled(on, { hash, cost }, async () => {
    const vectors = await watched(on, (signal) =>
      endpoint.models.embed({ model, texts }, { signal }),
    );
    const text = vectors.map(packVector).join("\n");
    if (text.length > resultCharsMax)
      throw new ErrandError(
        "too_large",
        `${texts.length} vectors of ${vectors[0]?.length ?? 0} numbers are more than one result holds: ask for fewer at once`,
      );
    return { text, finish: "stop" };
  });
}

/** Waits for a slot, makes the call, keeps its result; asks the queue again where the failure allows it. */
async function scheduled(
  on: Attempt,
  { hash, cost }: { readonly hash: string; readonly cost: Cost },
  make: () => Promise<CallResult>,
): Promise<CallResult> {
  const { segment, endpoint, transcript, op, role } = on;
  const queue = endpointQueue(endpoint.name);
  for (;;) {
    const before = segment.operation(op);
    if (!isCall(before) || before.state === "idle" || before.hash !== hash)
      await segment.ask({ type: "call", op, queue, role, hash, ...cost });
    const operation = await segment.waitFor(op, isTurn);
    if (operation.state === "done" && operation.result !== null) {
      transcript?.replay(op, role, operation.result);
      return operation.result;
    }
    if (operation.state === "failed") throw errorOf(operation.error);
    const result = await segment.work(() => attempt(on, operation, make));
    if (result !== null) return result;
  }
}

/** Slot-seconds of a call: what reading its prompt takes, and a guess that counts until its queue has learnt better. */
/** What a call is predicted to take: slot-seconds, the part of them that is known beforehand, and tokens. */
interface Cost {
  readonly lead: number;
  readonly cost: number;
  readonly tokens: number;
}

function costOf(messages: readonly PromptMessage[], endpoint: Endpoint): Cost {
  let chars = 0;
  for (const message of messages) chars += message.content.length;
  const inputTokens = chars / charsPerToken;
  const lead = 0.05 + inputTokens / endpoint.promptTokensPerSecond;
  const cost = lead + outputTokensGuess / endpoint.decodeTokensPerSecond;
  return { lead, cost, tokens: Math.round(inputTokens + outputTokensGuess) };
}

function errorOf(error: ErrorData | null): ErrandError {
  return new ErrandError(error?.code ?? "internal", error?.message ?? "the model call failed");
}

interface Attempt {
  readonly segment: Segment;
  readonly ports: CallPorts;
  readonly endpoint: Endpoint;
  readonly transcript: Transcript | null;
  readonly op: string;
  readonly role: string;
  readonly model: string;
  /** Its task ends with it: see {@link GenerateRequest.last}. */
  readonly last: boolean;
}

/** One try with a granted slot. `null`: it failed and will be tried again when its backoff is over. */
async function attempt(
  on: Attempt,
  operation: CallOperation,
  make: () => Promise<CallResult>,
): Promise<CallResult | null> {
  const { segment, op } = on;
  const granted = operation.call;
  segment.upstream.add(granted);
  on.transcript?.begin(op, on.role, on.model);
  let result: CallResult;
  try {
    result = await make().finally(() => {
      segment.upstream.delete(granted);
      // A segment that died under the call settles the slot itself, now that the socket is closed.
      if (segment.dead) on.ports.released(operation.queue, granted);
    });
  } catch (error) {
    return await failed(on, granted, error);
  }
  on.endpoint.outcome?.(null);
  on.transcript?.end(op, result.finish);
  const stored = segment.ask({ type: "callDone", op, call: granted, result });
  // Not waited for, it shares a commit with the task's end, which tells what kept either from the disk.
  if (on.last) void stored.catch(() => undefined);
  else await stored;
  segment.wake(op, { ...operation, state: "done", result });
  return result;
}

async function failed(on: Attempt, granted: string, error: unknown): Promise<null> {
  const { segment, op } = on;
  const failure = error instanceof ModelError ? error : null;
  if (failure !== null) on.endpoint.outcome?.(failure);
  const data =
    failure === null
      ? dataOf(error)
      : errorData(failure.code, failure.message, failure.retryAfterMs);
  const operation = segment.operation(op);
  const answer = await segment.ask({
    type: "callFailed",
    op,
    call: granted,
    error: data,
    triesMax: failure === null ? 1 : triesMax[failure.failure],
    ...(failure?.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
  });
  const again =
    typeof answer === "object" && answer !== null && "again" in answer && answer.again === true;
  if (!again) {
    on.transcript?.end(op, "error", data);
    throw new ErrandError(data.code, data.message, { cause: error });
  }
  // The state as the log has it now; the wake after the backoff brings the next grant.
  if (isCall(operation)) segment.wake(op, { ...operation, state: "backoff", error: data });
  return null;
}

function dataOf(error: unknown): ErrorData {
  if (error instanceof ErrandError) return error.toData();
  return errorData("model_broken", error instanceof Error ? error.message : String(error));
}

/** Reads a model's answer to its end, showing it as it is stored. */
async function consume(on: Attempt, call: ModelCall): Promise<CallResult> {
  const { segment, endpoint, transcript } = on;
  const watch = new IdleWatch(endpoint.idleTimeoutMs, segment.signal);
  const text: string[] = [];
  const reasoning: string[] = [];
  const toolCalls: { id: string; name: string; input: unknown }[] = [];
  let usage: CallResult["usage"];
  let finish: CallResult["finish"] | null = null;
  try {
    for await (const deltas of endpoint.models.stream(call, { signal: watch.signal })) {
      watch.touch();
      segment.stopwatch.touch();
      for (const delta of deltas) {
        if (delta.type === "text") text.push(delta.text);
        else if (delta.type === "reasoning") reasoning.push(delta.text);
        else if (delta.type === "toolCall") toolCalls.push(delta.call);
        else if (delta.type === "usage")
          usage = { inputTokens: delta.inputTokens, outputTokens: delta.outputTokens };
        else finish = delta.reason;
      }
      // Waiting for the commit is the batching: what arrives meanwhile is read, stored and shown together.
      await transcript?.show(deltas.filter(isShown));
    }
  } catch (error) {
    throw watch.stalled ? stalled(endpoint.idleTimeoutMs, error) : error;
  } finally {
    watch.stop();
  }
  if (finish === null)
    throw new ModelError("broken", "the model's answer ended without a finish reason");
  return {
    text: text.join(""),
    finish,
    ...(reasoning.length === 0 ? {} : { reasoning: reasoning.join("") }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(usage === undefined ? {} : { usage }),
  };
}

/** A call that answers in one piece: silence is counted from its start. */
async function watched<T>(on: Attempt, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { idleTimeoutMs } = on.endpoint;
  const watch = new IdleWatch(idleTimeoutMs, on.segment.signal);
  try {
    return await ask(watch.signal);
  } catch (error) {
    throw watch.stalled ? stalled(idleTimeoutMs, error) : error;
  } finally {
    watch.stop();
  }
}

function stalled(idleTimeoutMs: number, cause: unknown): ModelError {
  return new ModelError("stalled", `the model sent nothing for ${idleTimeoutMs} ms`, { cause });
}

function isShown(delta: Delta): delta is Extract<Delta, { type: "text" | "reasoning" }> {
  return delta.type === "text" || delta.type === "reasoning";
}

/** Aborts a call that is silent for too long. One coarse timer, because a timer per token costs more than the token. */
class IdleWatch {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #idleTimeoutMs: number;
  readonly #abort = (): void => this.#controller.abort(this.#outer.reason);
  #timer: ReturnType<typeof setTimeout> | null = null;
  #touchedMs = performance.now();
  stalled = false;

  constructor(idleTimeoutMs: number, outer: AbortSignal) {
    this.#outer = outer;
    this.#idleTimeoutMs = idleTimeoutMs;
    if (outer.aborted) this.#abort();
    outer.addEventListener("abort", this.#abort);
    this.#arm(idleTimeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  touch(): void {
    this.#touchedMs = performance.now();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#abort);
  }

  #arm(waitMs: number): void {
    this.#timer = setTimeout(() => {
      const leftMs = this.#idleTimeoutMs - (performance.now() - this.#touchedMs);
      if (leftMs > 0) return this.#arm(leftMs);
      this.stalled = true;
      this.#controller.abort(new ErrandError("model_stalled"));
    }, waitMs);
  }
}
