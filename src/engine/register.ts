import { ErrandError } from "../core/errors.ts";
import { durationMsMax } from "../core/limits.ts";
import { userScope } from "../core/scope.ts";
import { isRecord } from "../core/json.ts";
import type { Clock } from "../ports/host.ts";
import type { SyncStore } from "../ports/store.ts";
import type { Kernel } from "./kernel/kernel.ts";

/**
 * Short texts under names that are written once and kept for ten years: that a receiver of webhooks is gone, and since
 * when it is told. They stand among the idempotency keys, which is why the first one counts.
 */
export class Register {
  readonly #kernel: Kernel;
  readonly #store: SyncStore;
  readonly #clock: Clock;

  constructor(kernel: Kernel, store: SyncStore, clock: Clock) {
    this.#kernel = kernel;
    this.#store = store;
    this.#clock = clock;
  }

  /** Writes `value` under `name` unless something stands there; answers what stands there now. Durable. */
  async first(name: string, value: string): Promise<string> {
    const expiresAtMs = this.#clock.nowMs() + durationMsMax;
    const key = { userId: "", key: keyOf(name), hash: "register", ref: value, expiresAtMs };
    // A timer nobody has set changes nothing: the key is all that is written.
    const command = { type: "timer", name: "register" };
    const { reply, replayed } = await this.#kernel.dispatch(userScope("local"), command, { key });
    if (!reply.ok) throw new ErrandError(reply.error.code, reply.error.message);
    const { value: answer } = reply;
    return replayed && isRecord(answer) ? String(answer["ref"]) : value;
  }

  /** What stands under `name`; `null`: nothing. */
  read(name: string): string | null {
    const [row] = this.#store.keys([{ userId: "", key: keyOf(name) }], this.#clock.nowMs());
    return row?.ref ?? null;
  }
}

function keyOf(name: string): string {
  return `register:${name}`;
}
