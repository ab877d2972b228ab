import type { CallEnd } from "../schedule/opening.ts";
import type { ResumeWay } from "../schedule/state.ts";

/**
 * Facts of a queue, version 1. They are written for every call, so what is nearly always the same is left out:
 * an absent `task` is the call's id up to its last dot, an absent `root` is the task, an absent `user` is the key,
 * an absent `band` is 0 and an absent `weight` is 1. Times are those of the log row.
 *
 * `call.requested` tells the ledger that a call waits; the rest of the request is in its ready row. A call that
 * gets a slot as it arrives has one `call.granted` and nothing else. `call.granted` repeats what a lease needs,
 * because the ready row goes away in the same transaction.
 */
export type QueueEvent =
  | {
      readonly type: "call.requested";
      readonly call: string;
      readonly key: string;
      readonly band?: 1 | 2;
      readonly weight?: number;
    }
  | {
      readonly type: "call.granted";
      readonly call: string;
      readonly taskType: string;
      readonly key: string;
      /** Predicted slot-seconds, charged now. */
      readonly cost: number;
      readonly task?: string;
      readonly root?: string;
      readonly user?: string;
      readonly band?: 1 | 2;
      /** Only without `waited`: a call that waited has said it in `call.requested`. */
      readonly weight?: number;
      /** What a model call is for: its cost is learnt by it. */
      readonly role?: string;
      /** The part of `cost` that was known beforehand. */
      readonly lead?: number;
      /** Tokens taken for it; only where tokens are limited. */
      readonly tokens?: number;
      /** It counts against the caps of its task type. */
      readonly capped?: true;
      /** It can be stopped at a token boundary and gone on with. */
      readonly cuttable?: true;
      /** Times it was cut before. */
      readonly cuts?: number;
      /** Seconds it had written when it was cut. */
      readonly ran?: number;
      /** Slots it takes, if more than one. */
      readonly slots?: number;
      /** Model it asks, where one is in memory at a time. */
      readonly model?: string;
      /** A call of another model was passed over for it. */
      readonly stays?: true;
      /** It uses slots that come together for a wide call, which is next. */
      readonly fills?: true;
      /** Endpoint it asks, of those that share the device. */
      readonly line?: string;
      /** The call waited: a `call.requested` came before. */
      readonly waited?: true;
      /** A turn of the lower bands while interactive work waited. */
      readonly owed?: true;
    }
  /** The lease is over; its service is the time since the grant. */
  | {
      readonly type: "call.settled";
      readonly call: string;
      /** Present if it tells something that the queue did not know. */
      readonly end?: CallEnd;
    }
  /** Its holder is told to stop at the next token, because an interactive call waits (SPEC QUEUE23). */
  | { readonly type: "call.cutting"; readonly call: string }
  /** Its holder cannot stop in a way that could be gone on from: it is left alone. */
  | { readonly type: "call.uncut"; readonly call: string }
  /** How a model goes on from a partial answer was tried out; `null`: it does not. */
  | {
      readonly type: "endpoint.probed";
      readonly target: string;
      readonly way: ResumeWay | null;
    }
  /** How fast a model reads and writes, in tokens a second, as far as anybody knows (SPEC QUEUE24). */
  | {
      readonly type: "endpoint.measured";
      readonly model: string;
      readonly prompt: number | null;
      readonly decode: number | null;
    }
  /** A waiting call goes on in another band. Its ready row has changed with it. */
  | {
      readonly type: "call.moved";
      readonly call: string;
      readonly key: string;
      readonly weight: number;
      readonly from: 0 | 1 | 2;
      readonly to: 0 | 1 | 2;
    }
  /** A tree whose first call waits was told when it may start and end, in seconds from now. */
  | {
      readonly type: "call.promised";
      readonly call: string;
      readonly root: string;
      readonly band?: 1 | 2;
      readonly start: number;
      readonly end: number;
    }
  /** A tree that was served here takes no more calls. `failed`: nothing is learnt from it. */
  | { readonly type: "tree.over"; readonly root: string; readonly failed?: true }
  /** A waiting call was taken back. */
  | {
      readonly type: "call.withdrawn";
      readonly call: string;
      readonly key: string;
      readonly band?: 1 | 2;
    }
  | {
      readonly type: "queue.configured";
      readonly slots: number;
      readonly slotsPerKey: number | null;
      readonly requestsPerMinute?: number;
      readonly tokensPerMinute?: number;
      readonly swapMs?: number;
      /** Somebody has changed it while it ran; absent: so says the host's configuration. */
      readonly live?: true;
    }
  | { readonly type: "queue.paused"; readonly paused: boolean }
  /** All leases at this point of the log are void. */
  | { readonly type: "leases.voided" };
