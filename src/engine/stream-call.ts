import { queueScope } from "../core/scope.ts";
import type { SpeedSeen } from "../core/schedule/speeds.ts";
import type { CallResult, PartialAnswer } from "../core/task/events.ts";
import type { CallOperation } from "../core/task/state.ts";
import { ModelError, type ModelCall } from "../ports/models.ts";
import { Answer, sentOf } from "./answer.ts";
import type { Endpoint, Roles } from "./endpoints.ts";
import { IdleWatch } from "./idle-watch.ts";
import { found, resumeWay } from "./resume.ts";
import type { Segment } from "./segment.ts";
import type { Transcript } from "./transcript.ts";

/** What a model call needs besides its segment. */
export interface CallPorts {
  readonly roles: Roles;
  sha256(text: string): Promise<string>;
  /** The call's slot is free: the upstream socket is closed. Used when the task ended under the call. */
  released(queue: string, call: string): void;
  /** The host's clock: speeds and costs are measured by the clock that leases are. */
  nowMs(): number;
}

/** One model call of one segment. */
export interface Attempt {
  readonly segment: Segment;
  readonly ports: CallPorts;
  readonly endpoint: Endpoint;
  readonly transcript: Transcript | null;
  readonly op: string;
  readonly role: string;
  readonly model: string;
  /** Its task ends with it: see {@link GenerateRequest.last}. */
  readonly last: boolean;
  /** Ends this call alone. */
  readonly stop?: AbortSignal | undefined;
}

/** What a try came to: an answer, a stop to make room, or a failure behind what it had said. */
export type Made =
  | { readonly result: CallResult; readonly speed?: SpeedSeen }
  | { readonly cut: PartialAnswer }
  | { readonly error: unknown; readonly partial?: PartialAnswer | null };

/**
 * Makes a granted call and reads its answer to the end, showing it as it is stored. It is stopped at a token boundary if
 * its queue asks for that and it can be gone on with; if it cannot, the queue is told to leave it alone. Never rejects.
 */
export async function streamCall(
  on: Attempt,
  asked: ModelCall,
  { operation, isFree }: { readonly operation: CallOperation; readonly isFree: boolean },
): Promise<Made> {
  const { segment, endpoint, transcript, op, role, model, ports } = on;
  const askedMs = ports.nowMs();
  const way = isFree ? (resumeWay(segment, endpoint, model) ?? null) : null;
  const from = way === null ? null : operation.partial;
  if (from === null) transcript?.begin(op, role, model);
  else transcript?.resume(op, role, model, from.text);
  const answer = new Answer(from, asked.maxTokens);
  const firstMs = firstTokenMs(endpoint, operation);
  const watch = new IdleWatch(endpoint.idleTimeoutMs, stopOf(on), firstMs);
  const room = new MakeRoom(segment, operation, () => {
    if (way === null || answer.isBound) return "never";
    if (!answer.canStop) return "later";
    watch.cut();
    return "now";
  });
  try {
    const call = from === null || way === null ? asked : goingOn(asked, from, way);
    for await (const deltas of endpoint.models.stream(call, { signal: watch.signal })) {
      watch.touch();
      segment.stopwatch.touch();
      const shown = answer.take(deltas, ports.nowMs());
      const stored = transcript?.show(shown);
      // Waiting for the commit is the batching: what arrives meanwhile is read, stored and shown together. What comes
      // with the end goes in the commit of the result, which tells what kept either from the disk.
      if (answer.isWhole) void stored?.catch(() => undefined);
      else await stored;
      room.consider();
      if (watch.wasCut) break;
    }
    if (!watch.wasCut) return { result: answer.result(), ...answer.speedOf(model, askedMs) };
  } catch (error) {
    if (!watch.wasCut) {
      const silentMs = answer.hasBegun ? endpoint.idleTimeoutMs : firstMs;
      const failure = watch.stalled ? silent(answer.hasBegun, silentMs, error) : error;
      const { failure: kind } = failure instanceof ModelError ? failure : { failure: null };
      if (from !== null && kind === "rejected") {
        await found(segment, endpoint, model, null);
        return { error: failure, partial: null };
      }
      const keeps = way !== null && kind !== null && answer.canStop;
      return keeps
        ? { error: failure, partial: answer.partial(ports.nowMs()) }
        : { error: failure };
    }
  } finally {
    watch.stop();
    room.end();
  }
  return { cut: answer.partial(ports.nowMs()) };
}

/** What ends a call: the end of its segment, or its own signal. */
function stopOf({ segment, stop }: Attempt): AbortSignal {
  return stop === undefined ? segment.signal : AbortSignal.any([segment.signal, stop]);
}

/** The call that says the rest of an answer. */
function goingOn(
  asked: ModelCall,
  from: PartialAnswer,
  way: NonNullable<ModelCall["partial"]>["way"],
): ModelCall {
  const { maxTokens, ...call } = asked;
  return {
    ...call,
    ...(maxTokens === undefined ? null : { maxTokens: maxTokens - from.tokens }),
    partial: { text: sentOf(from), way },
  };
}

/** What a call does about a wish of its queue for its slot. */
class MakeRoom {
  readonly #segment: Segment;
  readonly #operation: CallOperation;
  readonly #stop: () => "now" | "later" | "never";
  #wanted: boolean;

  constructor(segment: Segment, operation: CallOperation, stop: () => "now" | "later" | "never") {
    this.#segment = segment;
    this.#operation = operation;
    this.#stop = stop;
    this.#wanted = segment.cutEarly.delete(operation.call);
    segment.cuts.set(operation.call, () => {
      this.#wanted = true;
      this.consider();
    });
  }

  /** Looks again, because more of the answer is there. */
  consider(): void {
    if (!this.#wanted) return;
    const answer = this.#stop();
    this.#wanted = answer === "later";
    if (answer !== "never") return;
    const { queue, call } = this.#operation;
    // If this is lost the queue waits a little before it asks somebody else.
    this.#segment.kernel.dispatch(queueScope(queue), { type: "keep", call }).catch(() => undefined);
  }

  end(): void {
    this.#segment.cuts.delete(this.#operation.call);
  }
}

/** A prompt is read in as long as its model is known to take, and so many times that, before it counts as lost. */
const leadTimes = 4;

/** How long a call may be silent before its first token, in ms: a long prompt at a slow model is no stall. */
export function firstTokenMs({ idleTimeoutMs }: Endpoint, { lead }: CallOperation): number {
  return Math.max(idleTimeoutMs, Math.ceil(leadTimes * 1_000 * lead));
}

/** The failure of a call that said nothing for so long. */
export function silent(hasBegun: boolean, silentMs: number, cause: unknown): ModelError {
  return hasBegun
    ? new ModelError("stalled", `the model sent nothing more for ${silentMs} ms`, { cause })
    : new ModelError("prefill", `the model sent no first token for ${silentMs} ms`, { cause });
}
