import type { Courier } from "../../src/ports/host.ts";
import type { World } from "./world.ts";

interface Delivery {
  readonly id: string;
  readonly to: Parameters<Courier["deliver"]>[0]["to"];
  readonly body: unknown;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * The network between homes: carries messages in any order, some of them twice, and fails now and then. It never
 * loses one for good, because the sender's outbox asks again.
 */
export class SimCourier implements Courier {
  readonly #world: World;
  #pending: Delivery[] = [];
  /** Copies still under way somewhere: they outlive the process that sent them. */
  #ghosts: { readonly id: string; readonly to: Delivery["to"]; readonly body: unknown }[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** True if something is under way. */
  get busy(): boolean {
    return this.#pending.length > 0 || this.#ghosts.length > 0;
  }

  deliver(message: { id: string; to: Delivery["to"]; body: unknown }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ ...message, resolve, reject });
    });
  }

  /** The process died: who waits for an answer is gone, copies are not. */
  crash(): void {
    const { dice, plan } = this.#world;
    for (const { id, to, body } of this.#pending) {
      if (dice.chance(plan.faults.courierTwice)) this.#ghosts.push({ id, to, body });
    }
    this.#pending = [];
  }

  /** One thing happens to one message. */
  act(): void {
    const { dice, plan, healing } = this.#world;
    if (this.#pending.length === 0 || (this.#ghosts.length > 0 && dice.chance(0.2)))
      return this.#ghost();
    const delivery = this.#pending.splice(this.#world.choose(this.#pending.length), 1)[0];
    if (delivery === undefined) return;
    const { id, to, body } = delivery;
    if (!healing && dice.chance(plan.faults.courierFail)) {
      this.#world.note("courier.fails", id);
      delivery.reject(new Error("the simulated network failed"));
      return;
    }
    if (!healing && dice.chance(plan.faults.courierTwice)) this.#ghosts.push({ id, to, body });
    this.#world.note("courier.delivers", `${id} to ${to}`);
    const { incarnation } = this.#world;
    this.#world.dispatch(to, body).then(
      () => {
        if (this.#world.incarnation !== incarnation) return;
        this.#told(body);
        delivery.resolve();
      },
      (error: unknown) => {
        if (this.#world.incarnation === incarnation) delivery.reject(error);
      },
    );
  }

  #told(body: unknown): void {
    const { type, call } = body as { type: string; call?: string };
    if (type === "callLost" && call !== undefined) this.#world.checks.told(call);
  }

  #ghost(): void {
    const ghost = this.#ghosts.splice(this.#world.choose(this.#ghosts.length), 1)[0];
    if (ghost === undefined) return;
    this.#world.mark("message delivered twice");
    this.#world.note("courier.repeats", `${ghost.id} to ${ghost.to}`);
    this.#world.dispatch(ghost.to, ghost.body).catch(() => undefined);
  }
}
