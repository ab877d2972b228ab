/** A queue with the log, rows and messages its decisions make, and checks that hold after each of them. */
import { expect } from "vitest";

import type { Batch } from "../src/core/decider.ts";
import { canonicalJson } from "../src/core/json.ts";
import { queueDecider } from "../src/core/queue/decider.ts";
import type { QueueEvent } from "../src/core/queue/events.ts";
import type { CallRequest, QueueCommand, QueueToTask } from "../src/core/queue/protocol.ts";
import { restorePending } from "../src/core/queue/restore.ts";
import type { QueueState } from "../src/core/queue/state.ts";
import { depth, running, why } from "../src/core/queue/views.ts";
import type { ReadyRequest } from "../src/core/rows.ts";
import { queueScope } from "../src/core/scope.ts";

import { START_MS, testContext } from "./given.ts";

/** A request with all that a test does not care about filled in. Task `a` has the calls `a.1`, `a.2` and so on. */
export function callOf(call: string, parts: Partial<CallRequest> = {}): QueueCommand {
  const task = parts.task ?? call.slice(0, call.lastIndexOf("."));
  const key = parts.key ?? "ann";
  const request: CallRequest = {
    task,
    type: "chat",
    key,
    user: key,
    weight: 1,
    band: 0,
    root: task,
    cost: 1,
    capTotal: null,
    capPerKey: null,
    ...parts,
  };
  return { type: "request", call, request };
}

const name = "models";
const scope = queueScope(name);

/** One fact of the log with the time of its row. */
export interface Logged {
  readonly event: QueueEvent;
  readonly atMs: number;
}

/** A queue under test. Its log and rows are what a store would hold. */
export class QueueRun {
  state: QueueState;
  nowMs = START_MS;
  /** The process is stopping in good order. */
  draining = false;
  readonly log: Logged[] = [];
  readonly rows = new Map<string, ReadyRequest>();
  readonly sent: { readonly to: string; readonly body: QueueToTask }[] = [];
  /** Times of the queue's timers by name. */
  readonly timers = new Map<string, number>();
  readonly #ready = new Map<string, ReadyRequest>();

  constructor(state: QueueState = queueDecider.zero(scope)) {
    this.state = state;
  }

  /** Decides one command, stores what it makes, and answers its facts. */
  do(command: QueueCommand): readonly QueueEvent[] {
    const batch: Batch<QueueEvent> = queueDecider.decide(
      this.state,
      command,
      this.draining
        ? { ...testContext({ nowMs: this.nowMs }), draining: true }
        : testContext({ nowMs: this.nowMs }),
    );
    for (const event of batch.events) this.log.push({ event, atMs: this.nowMs });
    for (const row of batch.rows ?? []) {
      if (row.table === "ready") {
        this.rows.set(row.call, row.request);
        this.#ready.set(row.call, row.request);
      }
      if (row.table === "readyGone") this.rows.delete(row.call);
    }
    for (const { name: timer, atMs } of batch.timers ?? []) {
      if (atMs === null) this.timers.delete(timer);
      else this.timers.set(timer, atMs);
    }
    for (const { to, body } of batch.messages ?? []) {
      this.sent.push({ to, body: body as QueueToTask });
    }
    expect(batch.folded ?? batch.events.length === 0).toBe(true);
    return batch.events;
  }

  /** The ready row a call had when it began to wait. */
  everReady(call: string): ReadyRequest {
    return this.#ready.get(call)!;
  }

  /** Decides a command `afterMs` later. */
  after(afterMs: number, command: QueueCommand): readonly QueueEvent[] {
    this.nowMs += afterMs;
    return this.do(command);
  }

  /** Lets the next timer of the queue fire at its time; false if none is set. */
  ring(): boolean {
    const [next] = [...this.timers].toSorted(([, a], [, b]) => a - b);
    if (next === undefined) return false;
    const [timer, atMs] = next;
    this.timers.delete(timer);
    this.nowMs = Math.max(this.nowMs, atMs);
    this.do({ type: "timer", name: timer });
    return true;
  }

  /** Calls that hold a slot, in the order of their grants. */
  running(): string[] {
    return running(this.state).map((lease) => lease.call);
  }

  /** Calls that wait, in the order they came. */
  waiting(): string[] {
    return [...this.rows].toSorted(([, a], [, b]) => a.seq - b.seq).map(([call]) => call);
  }

  /** Calls granted so far, in order. */
  granted(): string[] {
    return this.log.flatMap(({ event }) => (event.type === "call.granted" ? [event.call] : []));
  }

  /** Settles what runs, one after another, until nothing waits; answers the order of the grants. */
  drain(eachMs = 1_000): string[] {
    const from = this.granted().length;
    for (let call = this.running()[0]; call !== undefined; call = this.running()[0]) {
      this.after(eachMs, { type: "settle", call });
    }
    return this.granted().slice(from);
  }

  /** All that is known of the queue, as text: equal texts are equal states. */
  fingerprint(): string {
    const waiting = this.waiting().map((call) => [call, why(this.state, call, this.nowMs)]);
    return canonicalJson([queueDecider.snapshot?.save(this.state), depth(this.state), waiting]);
  }

  /** The queue as a new process finds it: a snapshot taken after `keep` facts, the log behind it, and the rows. */
  recovered(saved: unknown = null, keep = 0, pageSize = 3): QueueRun {
    const stored: unknown = saved === null ? null : JSON.parse(JSON.stringify(saved));
    let state =
      stored === null ? queueDecider.zero(scope) : queueDecider.snapshot!.load(scope, stored);
    for (const { event, atMs } of this.log.slice(keep)) {
      state = queueDecider.evolve(state, event, atMs);
    }
    const rows = this.waiting().map((call) => ({ call, request: this.rows.get(call)! }));
    for (let at = 0; at < rows.length; at += pageSize) {
      restorePending(state, rows.slice(at, at + pageSize));
    }
    const run = new QueueRun(state);
    run.nowMs = this.nowMs;
    run.log.push(...this.log);
    for (const [timer, atMs] of this.timers) run.timers.set(timer, atMs);
    for (const [call, request] of this.rows) run.rows.set(call, request);
    return run;
  }
}

/** A queue with so many slots. */
export function queueWith(slots: number, slotsPerKey: number | null = null): QueueRun {
  const run = new QueueRun();
  run.do({ type: "configure", settings: { slots, slotsPerKey } });
  return run;
}

/** Numbers in [0, 1) that are the same on every run for a seed. */
export function seededUnits(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
