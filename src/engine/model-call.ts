import { ErrandError, errorData, type ErrorData } from "../core/errors.ts";
import { canonicalJson, isRecord } from "../core/json.ts";
import { resultCharsMax } from "../core/limits.ts";
import type { CallResult, PartialAnswer } from "../core/task/events.ts";
import type { CallOperation, Operation } from "../core/task/state.ts";
import { ModelError } from "../ports/models.ts";
import type { EmbedRequest, GenerateRequest } from "./context.ts";
import { endpointQueue, shareOf } from "./endpoints.ts";
import { IdleWatch } from "./idle-watch.ts";
import { probeIfUseful, resumeWay } from "./resume.ts";
import type { Segment } from "./segment.ts";
import {
  firstTokenMs,
  silent,
  streamCall,
  type Attempt,
  type CallPorts,
  type Made,
} from "./stream-call.ts";
import { packVector } from "./vectors.ts";
import {
  askedOf,
  callName,
  costOf,
  roughTokens,
  wantedText,
  type WantedCall,
} from "./wanted-call.ts";

/** What follows from a failure: tries of one call in all, and whether it asks its queue again at once. */
interface Consequence {
  readonly tries: number;
  /** False: after a backoff, or when the endpoint has said. */
  readonly atOnce: boolean;
}

/**
 * Each failure has its own (SPEC MODEL7). A rejected prompt, or one that is too long, is never sent again. A model that is
 * being loaded is waited for by its queue, where its calls keep their place, for about 5 minutes. An answer that broke
 * off or fell silent is asked for again at once: another try may well succeed, and if none does the queue's breaker opens.
 */
const consequences: Record<ModelError["failure"], Consequence> = {
  refused: { tries: 5, atOnce: false },
  rate_limited: { tries: 20, atOnce: false },
  loading: { tries: 30, atOnce: true },
  prefill: { tries: 2, atOnce: true },
  generating: { tries: 3, atOnce: true },
  stalled: { tries: 2, atOnce: true },
  broken: { tries: 3, atOnce: false },
  rejected: { tries: 1, atOnce: false },
  context_overflow: { tries: 1, atOnce: false },
};

/** Of an error that is not the endpoint's. */
const noTry: Consequence = { tries: 1, atOnce: false };

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
 * by asking the queue again. `stop` ends it for good: its socket is closed, and it has failed with `cancelled`.
 */
export async function generate(
  segment: Segment,
  ports: CallPorts,
  role: string,
  request: GenerateRequest,
  stop?: AbortSignal,
): Promise<CallResult> {
  const { name, show = name === undefined, outsideTools, last = false } = request;
  const op = callName(request, () => segment.ordinal(`call:${role}`));
  segment.claim(op);
  for (const message of request.messages) {
    if (outsideTools === true || message.role !== "tool") continue;
    if (segment.ledgered.has(message.toolCallId)) continue;
    throw new ErrandError(
      "unledgered_tool",
      `the prompt holds a result of tool call "${message.toolCallId}" that ctx.tools did not give`,
    );
  }
  const wanted = await wantedText((text) => ports.sha256(text), role, request);
  const { target, ...call } = askedOf(request);
  const { endpoint, model } = ports.roles.resolve(role, target);
  const transcript = show ? await segment.transcript() : null;
  const on: Attempt = { segment, ports, endpoint, transcript, op, role, model, last, stop };
  const { isFree } = wanted;
  return await scheduled(on, wanted, (operation) =>
    streamCall(on, { model, ...call }, { operation, isFree }),
  );
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
  const wanted = { hash, inputTokens: roughTokens(chars), answers: false, isFree: false };
  return await scheduled(on, wanted, async (operation) => {
    const { vectors, inputTokens } = await watched(on, operation, (signal) =>
      endpoint.models.embed({ model, texts }, { signal }),
    );
    const text = vectors.map(packVector).join("\n");
    if (text.length > resultCharsMax)
      throw new ErrandError(
        "too_large",
        `${texts.length} vectors of ${vectors[0]?.length ?? 0} numbers are more than one result holds: ask for fewer at once`,
      );
    const usage = inputTokens === undefined ? {} : { usage: { inputTokens, outputTokens: 0 } };
    return { result: { text, finish: "stop", ...usage } };
  });
}

/** Waits for a slot, makes the call, keeps its result; asks the queue again where the failure allows it. */
async function scheduled(
  on: Attempt,
  wanted: WantedCall,
  make: (operation: CallOperation) => Promise<Made>,
): Promise<CallResult> {
  const { segment, endpoint, transcript, op, role, model } = on;
  const { hash, isFree } = wanted;
  const queue = endpointQueue(endpoint);
  const share = shareOf(endpoint);
  for (;;) {
    const before = segment.operation(op);
    const isAsked = isCall(before) && before.state !== "idle" && before.hash === hash;
    if (!isAsked || before.queue !== queue) {
      const answer = await segment.ask({
        type: "call",
        op,
        queue,
        role,
        hash,
        ...costOf(wanted, endpoint),
        model,
        input: Math.round(wanted.inputTokens),
        ...(share === undefined ? null : { share }),
        ...(isFree && resumeWay(segment, endpoint, model) ? { cuttable: true } : null),
      });
      forgetForeseen(segment, op, answer);
    }
    const operation = await segment.waitFor(op, isTurn);
    if (operation.state === "done" && operation.result !== null) {
      transcript?.replay(op, role, operation.result);
      return operation.result;
    }
    if (operation.state === "failed") throw errorOf(operation.error);
    const result = await segment.work(() => attempt(on, wanted, operation, make));
    if (result !== null) return result;
  }
}

/** The call that was foreseen is not the one that was wanted: from now on the answer's counts, which may have its slot already. */
function forgetForeseen(segment: Segment, op: string, answer: unknown): void {
  if (!isRecord(answer) || typeof answer["call"] !== "string") return;
  const now = segment.operation(op);
  if (!isCall(now) || now.call === answer["call"]) return;
  segment.wake(op, { ...now, call: answer["call"], state: "pending" });
}

function errorOf(error: ErrorData | null): ErrandError {
  return new ErrandError(error?.code ?? "internal", error?.message ?? "the model call failed");
}

/** One try with a granted slot. `null`: it was cut, or failed and is tried again when its backoff is over. */
async function attempt(
  on: Attempt,
  wanted: WantedCall,
  operation: CallOperation,
  make: (operation: CallOperation) => Promise<Made>,
): Promise<CallResult | null> {
  const { segment, op } = on;
  const granted = operation.call;
  segment.upstream.add(granted);
  const made = await make(operation)
    .catch((error: unknown): Made => ({ error }))
    .finally(() => {
      segment.hungUp(granted);
      // A segment that died under the call settles the slot itself, now that the socket is closed.
      if (segment.dead) on.ports.released(operation.queue, granted);
    });
  if ("error" in made) return await failed(on, granted, made);
  on.endpoint.outcome?.(null);
  if ("cut" in made) return await madeRoom(on, wanted, operation, made.cut);
  const { result, speed } = made;
  on.transcript?.end(op, result.finish);
  if (wanted.isFree) await probeIfUseful(segment, on.endpoint, on.model);
  const told = speed === undefined ? null : { speed };
  const stored = segment.ask({ type: "callDone", op, call: granted, result, ...told });
  // Not waited for, it shares a commit with the task's end, which tells what kept either from the disk.
  if (on.last) void stored.catch(() => undefined);
  else await stored;
  segment.wake(op, { ...operation, state: "done", result });
  return result;
}

/** The socket is closed: the slot goes to whom it was wanted for, and the call asks for another one. */
async function madeRoom(
  on: Attempt,
  wanted: WantedCall,
  operation: CallOperation,
  partial: PartialAnswer,
): Promise<null> {
  const { segment, op, endpoint } = on;
  const { call } = operation;
  const { lead, cost } = costOf(wanted, endpoint, partial.tokens);
  const inputTokens = Math.round(wanted.inputTokens);
  await segment.ask({ type: "callCut", op, call, partial, inputTokens, lead, cost });
  const now = segment.operation(op);
  // Its next grant may have come with the answer.
  if (isCall(now) && now.call === call)
    segment.wake(op, { ...operation, state: "pending", partial, cuts: operation.cuts + 1 });
  return null;
}

async function failed(
  on: Attempt,
  granted: string,
  { error, partial }: Extract<Made, { error: unknown }>,
): Promise<null> {
  const { segment, op } = on;
  const failure = error instanceof ModelError ? error : null;
  if (failure !== null) on.endpoint.outcome?.(failure);
  const data =
    on.stop?.aborted === true
      ? errorData("cancelled", "the call was aborted by the handler that made it")
      : failure === null
        ? dataOf(error)
        : errorData(failure.code, failure.message, failure.retryAfterMs);
  const operation = segment.operation(op);
  const { tries, atOnce } =
    failure === null || on.stop?.aborted === true ? noTry : consequences[failure.failure];
  const answer = await segment.ask({
    type: "callFailed",
    op,
    call: granted,
    error: data,
    // An endpoint that refuses to go on is asked once more from the beginning.
    triesMax: partial === null ? tries + 1 : tries,
    ...(failure?.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
    ...(atOnce ? { waitMs: 0 } : {}),
    ...(partial === undefined ? {} : { partial }),
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
  return errorData("internal", error instanceof Error ? error.message : String(error));
}

/** A call that answers in one piece: silence is counted from its start. */
async function watched<T>(
  on: Attempt,
  operation: CallOperation,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const firstMs = firstTokenMs(on.endpoint, operation);
  const watch = new IdleWatch(firstMs, on.segment.signal);
  try {
    return await ask(watch.signal);
  } catch (error) {
    throw watch.stalled ? silent(false, firstMs, error) : error;
  } finally {
    watch.stop();
  }
}
