import type { ReadyRequest } from "../rows.ts";
import type { HeapOrder } from "./heap.ts";

/** What a grant needs of a call. */
export interface WaitingCall {
  readonly call: string;
  readonly task: string;
  readonly taskType: string;
  readonly key: string;
  readonly user: string;
  readonly root: string;
  readonly band: 0 | 1 | 2;
  /** Predicted slot-seconds. */
  readonly cost: number;
  readonly role: string | null;
  readonly lead: number;
  readonly tokens: number;
  /** It counts against the caps of its task type. */
  readonly capped: boolean;
}

/** What the pool must know of the lane that holds a call. */
interface LaneOfCalls {
  readonly band: 0 | 1 | 2;
  readonly account: { readonly key: string; readonly weight: number };
  readonly gate: {
    readonly taskType: string | null;
    readonly capTotal: number | null;
    readonly capPerKey: number | null;
  };
}

/** See {@link ReadyRequest}. */
interface Forecast {
  readonly role: string;
  readonly lead: number;
  readonly rest: number;
  readonly tokens: number;
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
  /** Four of each slot, side by side because they are read together: cost, tag, arrival number, ready time. */
  #numbers: Float64Array = new Float64Array(4 * slotsAtFirst);
  /**
   * Two of each slot: the number of its type in `#typeNames`, and its place in the lane's heap. In a free slot the
   * place is the next free slot, or -1.
   */
  #marks: Int32Array = new Int32Array(2 * slotsAtFirst);
  #free = -1;
  /** Slots ever used since the pool was last empty. */
  #used = 0;
  readonly #tasks = new Map<number, string>();
  readonly #roots = new Map<number, string>();
  readonly #users = new Map<number, string>();
  /** What only calls with a role have. */
  readonly #forecasts = new Map<number, Forecast>();
  readonly #typeNames: string[] = [];
  readonly #typeNumbers = new Map<string, number>();
  /** Slots by call. Many small maps, because one that grows to a million rehashes for 80 ms at once. */
  readonly #slots: readonly Map<string, number>[] = Array.from(
    { length: shardCount },
    () => new Map<string, number>(),
  );

  /** Adds a call and answers its slot. The caller puts the slot in the lane's heap. */
  add(call: string, request: ReadyRequest, lane: L): number {
    const slot = this.#take();
    this.size += 1;
    this.#shard(call).set(call, slot);
    this.#calls[slot] = call;
    this.#lanes[slot] = lane;
    const numbers = this.#numbers;
    numbers[4 * slot] = request.cost;
    numbers[4 * slot + 1] = request.tag;
    numbers[4 * slot + 2] = request.seq;
    numbers[4 * slot + 3] = request.readyAtMs;
    this.#marks[2 * slot] = this.#typeNumber(request.type);
    this.#marks[2 * slot + 1] = -1;
    const { task, root, user } = request;
    if (!isTaskOfCall(task, call)) this.#tasks.set(slot, task);
    if (root !== task) this.#roots.set(slot, root);
    if (user !== lane.account.key) this.#users.set(slot, user);
    const { role = null, lead = 0, tokens = 0, rest = request.cost } = request;
    if (role !== null) this.#forecasts.set(slot, { role, lead, rest, tokens });
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
    this.#forecasts.delete(slot);
    if (this.size === 0) {
      this.#reset();
      return;
    }
    this.#calls[slot] = "";
    this.#lanes[slot] = undefined;
    this.#marks[2 * slot + 1] = this.#free;
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
    const lane = this.#lanes[slot];
    const key = lane?.account.key ?? "";
    const forecast = this.#forecasts.get(slot);
    return {
      call,
      key,
      task,
      taskType: this.#typeNames[this.#marks[2 * slot] ?? 0] ?? "",
      user: this.#users.get(slot) ?? key,
      root: this.#roots.get(slot) ?? task,
      band: lane?.band ?? 0,
      cost: this.cost(slot),
      role: forecast?.role ?? null,
      lead: forecast?.lead ?? 0,
      tokens: forecast?.tokens ?? 0,
      capped: lane !== undefined && lane.gate.taskType !== null,
    };
  }

  /** Lane that holds the slot. */
  lane(slot: number): L | undefined {
    return this.#lanes[slot];
  }

  /** Predicted cost of the call in a slot. */
  cost(slot: number): number {
    return this.#numbers[4 * slot] ?? 0;
  }

  /** What the tree of the call in a slot is predicted to take from here on. */
  rest(slot: number): number {
    return this.#forecasts.get(slot)?.rest ?? this.cost(slot);
  }

  /** Arrival number of the call in a slot. */
  seq(slot: number): number {
    return this.#numbers[4 * slot + 2] ?? 0;
  }

  /** The request that put a call here, as its ready row has it. */
  request(slot: number): ReadyRequest {
    const {
      call: _call,
      taskType: type,
      capped: _capped,
      role,
      lead,
      tokens,
      ...rest
    } = this.read(slot);
    const lane = this.#lanes[slot];
    const learnt = role === null ? null : { role, lead, tokens, rest: this.rest(slot) };
    return {
      ...rest,
      type,
      weight: lane?.account.weight ?? 1,
      capTotal: lane?.gate.capTotal ?? null,
      capPerKey: lane?.gate.capPerKey ?? null,
      seq: this.seq(slot),
      readyAtMs: this.readyAtMs(slot),
      tag: this.#numbers[4 * slot + 1] ?? 0,
      ...learnt,
    };
  }

  /** When the call in a slot became ready. */
  readyAtMs(slot: number): number {
    return this.#numbers[4 * slot + 3] ?? 0;
  }

  /** Place of a slot in its lane's heap. */
  place(slot: number): number {
    return this.#marks[2 * slot + 1] ?? -1;
  }

  /** Order inside a key: the least tag first, then the first that came. */
  before(a: number, b: number): boolean {
    const tagA = this.#numbers[4 * a + 1] ?? 0;
    const tagB = this.#numbers[4 * b + 1] ?? 0;
    return tagA < tagB || (tagA === tagB && this.seq(a) < this.seq(b));
  }

  /** Called by the lane's heap. */
  moved(slot: number, index: number): void {
    this.#marks[2 * slot + 1] = index;
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
      this.#free = this.place(slot);
      return slot;
    }
    if (2 * this.#used === this.#marks.length) this.#grow();
    this.#used += 1;
    return this.#used - 1;
  }

  #grow(): void {
    const slots = Math.ceil(this.#used * 1.5);
    this.#numbers = grown(this.#numbers, new Float64Array(4 * slots));
    this.#marks = grown(this.#marks, new Int32Array(2 * slots));
  }

  /** An empty pool gives back what a flood has made it grow to. */
  #reset(): void {
    this.#calls = [];
    this.#lanes = [];
    this.#free = -1;
    this.#used = 0;
    if (this.#marks.length === 2 * slotsAtFirst) return;
    this.#numbers = new Float64Array(4 * slotsAtFirst);
    this.#marks = new Int32Array(2 * slotsAtFirst);
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
  const dot = lastDot(call);
  return dot === -1 ? "" : call.slice(0, dot);
}

/** True if {@link taskOfCall} of `call` is `task`. */
export function isTaskOfCall(task: string, call: string): boolean {
  return task.length === lastDot(call) && call.startsWith(task);
}

/** Like `lastIndexOf`, which is slow for what is nearly always the last character but one. */
function lastDot(text: string): number {
  let at = text.length - 1;
  while (at >= 0 && text.charCodeAt(at) !== 46) at -= 1;
  return at;
}
