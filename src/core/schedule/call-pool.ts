import type { HeapOrder } from "./heap.ts";

/** A waiting call. */
export interface WaitingCall {
  readonly call: string;
  readonly task: string;
  readonly taskType: string;
  readonly user: string;
  readonly root: string;
  /** Predicted slot-seconds. */
  readonly cost: number;
  /** Order inside the key: small work first, ageing by the key's own service. */
  readonly tag: number;
  /** Arrival number, unique in the queue. */
  readonly seq: number;
  readonly readyAtMs: number;
}

/** What the pool must know of the lane that holds a call. */
interface LaneOfCalls {
  readonly account: { readonly key: string };
}

const slotsAtFirst = 64;
const shardCount = 64;

/**
 * The waiting calls of a queue as a structure of arrays, because a million objects would need three times the
 * memory. A call is named by its slot, a small integer that is free for another call once this one has left.
 * What is nearly always the same is kept by exception: a task is the call's id up to its last dot, a root is the
 * task, a user is the fairness key.
 */
export class CallPool<L extends LaneOfCalls> implements HeapOrder<number> {
  size = 0;
  #calls: string[] = [];
  #lanes: (L | undefined)[] = [];
  #costs: Float64Array = new Float64Array(slotsAtFirst);
  #tags: Float64Array = new Float64Array(slotsAtFirst);
  #seqs: Float64Array = new Float64Array(slotsAtFirst);
  #readyAts: Float64Array = new Float64Array(slotsAtFirst);
  /** Number of the type in `#typeNames`. */
  #types: Uint32Array = new Uint32Array(slotsAtFirst);
  /** Place in the lane's heap; in a free slot, the next free slot or -1. */
  #places: Int32Array = new Int32Array(slotsAtFirst);
  #free = -1;
  /** Slots ever used since the pool was last empty. */
  #used = 0;
  readonly #tasks = new Map<number, string>();
  readonly #roots = new Map<number, string>();
  readonly #users = new Map<number, string>();
  readonly #typeNames: string[] = [];
  readonly #typeNumbers = new Map<string, number>();
  /** Slots by call. Many small maps, because one that grows to a million rehashes for 80 ms at once. */
  readonly #slots: readonly Map<string, number>[] = Array.from(
    { length: shardCount },
    () => new Map<string, number>(),
  );

  /** Adds a call and answers its slot. The caller puts the slot in the lane's heap. */
  add(waiting: WaitingCall, lane: L): number {
    const slot = this.#take();
    this.size += 1;
    this.#shard(waiting.call).set(waiting.call, slot);
    this.#calls[slot] = waiting.call;
    this.#lanes[slot] = lane;
    this.#costs[slot] = waiting.cost;
    this.#tags[slot] = waiting.tag;
    this.#seqs[slot] = waiting.seq;
    this.#readyAts[slot] = waiting.readyAtMs;
    this.#types[slot] = this.#typeNumber(waiting.taskType);
    this.#places[slot] = -1;
    const task = taskOfCall(waiting.call);
    if (waiting.task !== task) this.#tasks.set(slot, waiting.task);
    if (waiting.root !== waiting.task) this.#roots.set(slot, waiting.root);
    if (waiting.user !== lane.account.key) this.#users.set(slot, waiting.user);
    return slot;
  }

  /** Frees a slot. The caller has taken it out of the lane's heap. */
  remove(slot: number): void {
    const call = this.#calls[slot] ?? "";
    this.#shard(call).delete(call);
    this.size -= 1;
    this.#tasks.delete(slot);
    this.#roots.delete(slot);
    this.#users.delete(slot);
    if (this.size === 0) {
      this.#reset();
      return;
    }
    this.#calls[slot] = "";
    this.#lanes[slot] = undefined;
    this.#places[slot] = this.#free;
    this.#free = slot;
  }

  /** Slot of a call; `undefined` if it does not wait. */
  find(call: string): number | undefined {
    return this.#shard(call).get(call);
  }

  /** The call in a slot. */
  read(slot: number): WaitingCall {
    const call = this.#calls[slot] ?? "";
    const task = this.#tasks.get(slot) ?? taskOfCall(call);
    return {
      call,
      task,
      taskType: this.#typeNames[this.#types[slot] ?? 0] ?? "",
      user: this.#users.get(slot) ?? this.#lanes[slot]?.account.key ?? "",
      root: this.#roots.get(slot) ?? task,
      cost: this.cost(slot),
      tag: this.#tags[slot] ?? 0,
      seq: this.seq(slot),
      readyAtMs: this.readyAtMs(slot),
    };
  }

  /** Lane that holds the slot. */
  lane(slot: number): L | undefined {
    return this.#lanes[slot];
  }

  /** Predicted cost of the call in a slot. */
  cost(slot: number): number {
    return this.#costs[slot] ?? 0;
  }

  /** Arrival number of the call in a slot. */
  seq(slot: number): number {
    return this.#seqs[slot] ?? 0;
  }

  /** When the call in a slot became ready. */
  readyAtMs(slot: number): number {
    return this.#readyAts[slot] ?? 0;
  }

  /** Place of a slot in its lane's heap. */
  place(slot: number): number {
    return this.#places[slot] ?? -1;
  }

  /** Order inside a key: the least tag first, then the first that came. */
  before(a: number, b: number): boolean {
    const tagA = this.#tags[a] ?? 0;
    const tagB = this.#tags[b] ?? 0;
    return tagA < tagB || (tagA === tagB && (this.#seqs[a] ?? 0) < (this.#seqs[b] ?? 0));
  }

  /** Called by the lane's heap. */
  moved(slot: number, index: number): void {
    this.#places[slot] = index;
  }

  #shard(call: string): Map<string, number> {
    // Ids end in `<random>.<number>`: the last 8 characters spread them.
    let mixed = 0;
    for (let at = call.length < 8 ? 0 : call.length - 8; at < call.length; at += 1) {
      mixed = (mixed * 31 + call.charCodeAt(at)) & 0xffffff;
    }
    const shard = this.#slots[mixed & (shardCount - 1)];
    return shard ?? new Map<string, number>();
  }

  #take(): number {
    const slot = this.#free;
    if (slot !== -1) {
      this.#free = this.#places[slot] ?? -1;
      return slot;
    }
    if (this.#used === this.#costs.length) this.#grow();
    this.#used += 1;
    return this.#used - 1;
  }

  #grow(): void {
    const length = Math.ceil(this.#costs.length * 1.5);
    this.#costs = grown(this.#costs, new Float64Array(length));
    this.#tags = grown(this.#tags, new Float64Array(length));
    this.#seqs = grown(this.#seqs, new Float64Array(length));
    this.#readyAts = grown(this.#readyAts, new Float64Array(length));
    this.#types = grown(this.#types, new Uint32Array(length));
    this.#places = grown(this.#places, new Int32Array(length));
  }

  /** An empty pool gives back what a flood has made it grow to. */
  #reset(): void {
    this.#calls = [];
    this.#lanes = [];
    this.#free = -1;
    this.#used = 0;
    if (this.#costs.length === slotsAtFirst) return;
    this.#costs = new Float64Array(slotsAtFirst);
    this.#tags = new Float64Array(slotsAtFirst);
    this.#seqs = new Float64Array(slotsAtFirst);
    this.#readyAts = new Float64Array(slotsAtFirst);
    this.#types = new Uint32Array(slotsAtFirst);
    this.#places = new Int32Array(slotsAtFirst);
  }

  #typeNumber(name: string): number {
    const known = this.#typeNumbers.get(name);
    if (known !== undefined) return known;
    this.#typeNames.push(name);
    this.#typeNumbers.set(name, this.#typeNames.length - 1);
    return this.#typeNames.length - 1;
  }
}

function grown<A extends { set(from: A): void }>(old: A, bigger: A): A {
  bigger.set(old);
  return bigger;
}

/**
 * The task a call's id names: ids have the form `<task>.<number>`. Logs and memory hold the task only where this
 * is not so, because it would be most of their bytes.
 */
export function taskOfCall(call: string): string {
  return call.slice(0, Math.max(0, call.lastIndexOf(".")));
}
