import type { Scope } from "../../core/scope.ts";
import type { Courier } from "../../ports/host.ts";
import type { Mail } from "./home-call.ts";

/** Messages of one call: a burst goes in few of them. */
const mailMax = 200;

/** Characters of JSON of one call, far below what the platform carries. */
const mailCharsMax = 4_000_000;

interface Waiting {
  readonly mail: Mail;
  readonly chars: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Lane {
  waiting: Waiting[];
  sending: boolean;
  /** Ids that failed and were not given again yet, in order: nothing may overtake them. */
  failed: string[];
  /** Called when nothing is under way. */
  idle: (() => void)[];
}

/**
 * Carries messages to other objects by RPC, those to one home in the order they were given. When a call fails, it and
 * everything behind it is given back to the outbox, and what comes later waits behind it until the outbox tries again:
 * so a home never hears of a later fact before an earlier one (SPEC HOME3).
 */
export class HomeCourier implements Courier {
  readonly #homeOf: (mail: Mail) => Scope;
  readonly #send: (home: Scope, mail: readonly Mail[]) => Promise<void>;
  readonly #lanes = new Map<Scope, Lane>();

  constructor(
    homeOf: (mail: Mail) => Scope,
    send: (home: Scope, mail: readonly Mail[]) => Promise<void>,
  ) {
    this.#homeOf = homeOf;
    this.#send = send;
  }

  /** True while something is under way. */
  get isBusy(): boolean {
    return this.#lanes.size > 0;
  }

  /** Resolves when the receiver has committed the message. */
  deliver(mail: Mail): Promise<void> {
    const home = this.#homeOf(mail);
    const lane = this.#lanes.get(home) ?? { waiting: [], sending: false, failed: [], idle: [] };
    this.#lanes.set(home, lane);
    const [first] = lane.failed;
    if (first !== undefined && first !== mail.id) {
      if (!lane.failed.includes(mail.id)) lane.failed.push(mail.id);
      return Promise.reject(new Error(`an earlier message to ${home} has not arrived yet`));
    }
    // The outbox gives again what failed, in its order: the first of them opens the lane for those behind it.
    lane.failed = [];
    return new Promise((resolve, reject) => {
      lane.waiting.push({ mail, chars: JSON.stringify(mail.body).length, resolve, reject });
      if (!lane.sending) {
        lane.sending = true;
        queueMicrotask(() => void this.#drain(home, lane));
      }
    });
  }

  /** Resolves when nothing is under way to a home, at once if nothing is, also when it failed. */
  settled(home: Scope): Promise<void> {
    const lane = this.#lanes.get(home);
    if (lane === undefined || !lane.sending) return Promise.resolve();
    return new Promise((resolve) => lane.idle.push(resolve));
  }

  async #drain(home: Scope, lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      const batch = takeBatch(lane.waiting);
      try {
        // One call after the other: that is the order.
        // oxlint-disable-next-line no-await-in-loop
        await this.#send(
          home,
          batch.map(({ mail }) => mail),
        );
        for (const { resolve } of batch) resolve();
      } catch (error) {
        const failed = [...batch, ...lane.waiting.splice(0)];
        lane.failed = failed.map(({ mail }) => mail.id);
        for (const { reject } of failed) reject(error);
      }
    }
    lane.sending = false;
    if (lane.failed.length === 0) this.#lanes.delete(home);
    for (const idle of lane.idle.splice(0)) idle();
  }
}

function takeBatch(waiting: Waiting[]): readonly Waiting[] {
  let count = 0;
  let chars = 0;
  for (const next of waiting) {
    if (count === mailMax || (count > 0 && chars + next.chars > mailCharsMax)) break;
    count += 1;
    chars += next.chars;
  }
  return waiting.splice(0, count);
}
