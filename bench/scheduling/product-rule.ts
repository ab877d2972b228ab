import type { DecideContext } from "../../src/core/decider.ts";
import { queueDecider } from "../../src/core/queue/decider.ts";
import type { CallRequest, QueueCommand } from "../../src/core/queue/protocol.ts";
import { rangeOf, type Range } from "../../src/core/schedule/calibrate.ts";
import type { CallEnd } from "../../src/core/schedule/opening.ts";
import type { QueueState } from "../../src/core/queue/state.ts";
import { queueScope } from "../../src/core/scope.ts";
import type { SimCall, SimRule, SimTask } from "./simulator.ts";

/** A promise and whom it was made to. */
export interface PromiseMade {
  readonly task: SimTask;
  readonly call: SimCall;
  /** When it was made, in seconds: the others are seconds from then. */
  readonly at: number;
  readonly start: Range;
  readonly end: Range;
}

/** What the simulated endpoint can do. */
export interface ProductOptions {
  readonly cuts?: boolean;
  readonly modelOf?: (call: SimCall) => string;
  readonly swapMs?: number | null;
}

/** Speeds of the simulated endpoint, as a host would configure them. */
const promptPerSecond = 1_500;
const decodePerSecond = 60;
/** What the engine assumes of an answer whose length nobody knows. */
const outputTokensGuess = 300;

/**
 * The product's own queue as a rule of the simulator: the same commands that tasks send, the same decisions. Nothing
 * of what the simulator knows reaches it but what a server would know: sizes of prompts, types, users, times.
 */
export class ProductRule implements SimRule {
  readonly state: QueueState = queueDecider.zero(queueScope("bench"));
  readonly #granted: SimCall[] = [];
  readonly #calls = new Map<string, SimCall>();
  readonly #ids = new Map<SimCall, string>();
  readonly #cuts: boolean;
  readonly #modelOf: ProductOptions["modelOf"];
  /** Calls that were told to stop and have not yet. */
  readonly #cutting: SimCall[] = [];
  readonly #timers = new Map<string, number>();
  #count = 0;
  /** Every promise made, to be compared with what came of it. */
  readonly promises: PromiseMade[] = [];

  /**
   * `cuts`: the endpoint can go on from a partial answer, as probing it would have found. `modelOf`: which model a call asks,
   * at an endpoint that holds one in memory and takes `swapMs` to load another, if the rule is to know.
   */
  constructor(slots: number, { cuts = true, modelOf, swapMs = null }: ProductOptions = {}) {
    this.#cuts = cuts;
    this.#modelOf = modelOf;
    this.#do({ type: "configure", settings: { slots, slotsPerKey: null, swapMs } }, 0);
  }

  add(call: SimCall, now: number): void {
    const { task } = call;
    this.#count += 1;
    const id = `t${task.id}.${this.#count}`;
    this.#calls.set(id, call);
    this.#ids.set(call, id);
    const key = `u${task.user}`;
    const lead = 0.05 + call.in / promptPerSecond;
    const request: CallRequest = {
      task: `t${task.id}`,
      type: task.type,
      key,
      user: key,
      weight: task.weight,
      band: task.cls,
      root: `t${task.id}`,
      role: call.type,
      lead,
      cost: lead + outputTokensGuess / decodePerSecond,
      ...(this.#cuts ? { cuttable: true } : null),
      ...(this.#modelOf === undefined ? null : { model: this.#modelOf(call) }),
      ...(call.cuts === 0 ? null : { cuts: call.cuts, ran: call.got / decodePerSecond }),
      capTotal: null,
      capPerKey: null,
    };
    this.#do({ type: "request", call: id, request }, now);
  }

  pick(): SimCall | undefined {
    return this.#granted.shift();
  }

  /** A call that was told to stop does so at its next token, but not before its first: a prompt cannot be stopped. */
  victim(now: number, active: readonly SimCall[], clock: number): SimCall | undefined {
    this.#ring(now);
    for (const [at, call] of this.#cutting.entries()) {
      if (!active.includes(call)) this.#cutting.splice(at, 1);
      else if (call.progress + clock - call.tag0 >= call.pre) return this.#cutting.splice(at, 1)[0];
    }
    return undefined;
  }

  stopped(call: SimCall, now: number): void {
    const tokens = Math.round(call.in + (call.progress - call.pre) * decodePerSecond);
    this.#settle(call, { failed: null, cut: tokens }, now);
  }

  finished(call: SimCall, now: number): void {
    this.#settle(call, undefined, now);
  }

  #settle(call: SimCall, end: CallEnd | undefined, now: number): void {
    const id = this.#ids.get(call) ?? "";
    this.#ids.delete(call);
    this.#calls.delete(id);
    this.#do({ type: "settle", call: id, ...(end === undefined ? null : { end }) }, now);
  }

  #ring(now: number): void {
    for (const [name, atMs] of this.#timers) {
      if (atMs > now * 1_000) continue;
      this.#timers.delete(name);
      this.#do({ type: "timer", name }, now);
    }
  }

  taskDone(task: SimTask, now: number): void {
    this.#do({ type: "over", root: `t${task.id}` }, now);
  }

  /** What a tree was promised as it began to wait: half and nine tenths of a start and of an end, in seconds. */
  #promised(root: string, call: string): void {
    const promised = this.state.schedule.calibration.promises.get(root);
    const waiting = this.#calls.get(call);
    if (promised === undefined || waiting === undefined) return;
    const { band, points, atMs } = promised;
    const range = (what: "start" | "end") =>
      rangeOf(this.state.schedule.calibration, what, band, points);
    this.promises.push({
      task: waiting.task,
      call: waiting,
      at: atMs / 1_000,
      start: range("start"),
      end: range("end"),
    });
  }

  #do(command: QueueCommand, now: number): void {
    const context: DecideContext = {
      nowMs: Math.round(now * 1_000),
      id: () => "",
      random: () => 0,
    };
    const batch = queueDecider.decide(this.state, command, context);
    for (const event of batch.events) {
      if (event.type === "call.promised") this.#promised(event.root, event.call);
      const call = "call" in event ? this.#calls.get(event.call) : undefined;
      if (call === undefined) continue;
      if (event.type === "call.granted") this.#granted.push(call);
      if (event.type === "call.cutting") this.#cutting.push(call);
    }
    for (const { name, atMs } of batch.timers ?? []) {
      if (atMs === null) this.#timers.delete(name);
      else this.#timers.set(name, atMs);
    }
  }
}
