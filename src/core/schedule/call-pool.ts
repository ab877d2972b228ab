import { invariant } from "../invariant.ts";
import type { ReadyRequest } from "../rows.ts";
import type { HeapOrder } from "./heap.ts";
import { hashPacked, hashText, packedWords, packId, samePacked, unpackTask } from "./packed-id.ts";
import { cutParts, isTaskOfCall, shapeParts, taskOfCall } from "./request-parts.ts";
import { SlotIndex, type SlotKeys } from "./slot-index.ts";

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
  readonly cuttable: boolean;
  readonly cuts: number;
  readonly ran: number;
  /** It counts against the caps of its task type, or of its line. */
  readonly capped: boolean;
  /** Slots it takes. */
  readonly slots: number;
  readonly model: string | null;
  readonly line: string | null;
}

/** What the pool must know of the lane that holds a call. */
interface LaneOfCalls {
  /** The pool's to give: its number there, and how many calls it has; -1 and 0: none. */
  readonly pooled: { number: number; calls: number };
  readonly band: 0 | 1 | 2;
  readonly account: { readonly key: string; readonly weight: number };
  readonly gate: {
    readonly counted: string | null;
    readonly slots: number;
    readonly model: string | null;
    readonly line: string | null;
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
  readonly cuttable: boolean;
  readonly cuts: number;
  readonly ran: number;
}

/** Slots of one chunk. A power of 2, and small: a queue with one call has one chunk. */
const chunkSlots = 256;
const chunkBits = 8;
/** The number of no lane. */
const noLane = -1;
/** Doubles of a slot: cost, tag, arrival number, ready time. */
const doubles = 4;
/**
 * Whole numbers of a slot: its packed id, the numbers of its type and its lane, and its place in the lane's heap. In a
 * free slot the place is the next free slot, or -1, and the lane is none. The last word of an id that cannot be packed is 0.
 */
const words = packedWords + 3;
const typeWord = packedWords;
const placeWord = packedWords + 1;
const laneWord = packedWords + 2;

/** So many slots side by side. Chunks are added one by one, so that no growth copies what is there. */
interface Chunk {
  readonly doubles: Float64Array;
  readonly words: Int32Array;
}

function newChunk(): Chunk {
  const buffer = new ArrayBuffer(chunkSlots * (8 * doubles + 4 * words));
  return {
    doubles: new Float64Array(buffer, 0, chunkSlots * doubles),
    words: new Int32Array(buffer, 8 * chunkSlots * doubles),
  };
}

/**
 * The waiting calls of a queue in typed arrays, about 80 bytes each, because a million of them must neither fill the
 * memory nor be walked by every collection of garbage. A call is named by its slot, a small integer that is free for
 * another call once this one has left. What is nearly always the same is kept by exception: an id is a task's and a
 * number, a task is the call's id up to its last dot, a root is the task, a user is the fairness key.
 */
export class CallPool<L extends LaneOfCalls> implements HeapOrder<number>, SlotKeys {
  size = 0;
  #chunks: Chunk[] = [];
  #free = -1;
  /** Slots ever used since the pool was last empty. */
  #used = 0;
  readonly #index = new SlotIndex(this);
  /** Lanes by their number; a number is free again when its lane has no more calls. */
  readonly #lanes: (L | undefined)[] = [];
  readonly #freeLanes: number[] = [];
  /** Ids that cannot be packed. */
  readonly #calls = new Map<number, string>();
  readonly #tasks = new Map<number, string>();
  readonly #roots = new Map<number, string>();
  readonly #users = new Map<number, string>();
  /** What only calls with a role have. */
  readonly #forecasts = new Map<number, Forecast>();
  readonly #typeNames: string[] = [];
  readonly #typeNumbers = new Map<string, number>();
  /** The id that is looked for, packed. */
  readonly #sought = new Int32Array(packedWords);

  /** Adds a call that is not in the pool and answers its slot. The caller puts the slot in the lane's heap. */
  add(call: string, request: ReadyRequest, lane: L): number {
    const slot = this.#take();
    const chunk = this.#chunk(slot);
    const at = slot & (chunkSlots - 1);
    this.size += 1;
    chunk.words[words * at + laneWord] = this.#enter(lane);
    chunk.doubles[doubles * at] = request.cost;
    chunk.doubles[doubles * at + 1] = request.tag;
    chunk.doubles[doubles * at + 2] = request.seq;
    chunk.doubles[doubles * at + 3] = request.readyAtMs;
    if (!packId(call, chunk.words, words * at)) {
      chunk.words[words * at + packedWords - 1] = 0;
      this.#calls.set(slot, call);
    }
    chunk.words[words * at + typeWord] = this.#typeNumber(request.type);
    chunk.words[words * at + placeWord] = -1;
    this.#index.add(slot);
    const { task, root, user } = request;
    if (!isTaskOfCall(task, call)) this.#tasks.set(slot, task);
    if (root !== task) this.#roots.set(slot, root);
    if (user !== lane.account.key) this.#users.set(slot, user);
    const { role = null, lead = 0, tokens = 0, rest = request.cost } = request;
    const { cuttable = false, cuts = 0, ran = 0 } = request;
    if (role !== null) this.#forecasts.set(slot, { role, lead, rest, tokens, cuttable, cuts, ran });
    return slot;
  }

  /** Frees a slot. The caller has taken it out of the lane's heap. */
  remove(slot: number): void {
    this.size -= 1;
    this.#leave(slot);
    if (this.size > 0) this.#index.remove(slot);
    this.#calls.delete(slot);
    this.#tasks.delete(slot);
    this.#roots.delete(slot);
    this.#users.delete(slot);
    this.#forecasts.delete(slot);
    if (this.size === 0) {
      this.#reset();
      return;
    }
    this.moved(slot, this.#free);
    this.#free = slot;
  }

  /** Slot of a call; `undefined` if it does not wait. */
  find(call: string): number | undefined {
    const sought = this.#sought;
    const packed = packId(call, sought, 0);
    const slot = packed
      ? this.#index.find(hashPacked(sought, 0), (other) =>
          samePacked(this.#chunk(other).words, words * (other & (chunkSlots - 1)), sought, 0),
        )
      : this.#index.find(hashText(call), (other) => this.#calls.get(other) === call);
    return slot === -1 ? undefined : slot;
  }

  /** Hash of the id in a slot, for the index. */
  hashOf(slot: number): number {
    const chunk = this.#chunk(slot);
    const at = words * (slot & (chunkSlots - 1));
    if (chunk.words[at + packedWords - 1] !== 0) return hashPacked(chunk.words, at);
    return hashText(this.#calls.get(slot) ?? "");
  }

  /** The call in a slot. */
  read(slot: number): WaitingCall {
    const chunk = this.#chunk(slot);
    const at = slot & (chunkSlots - 1);
    const number = chunk.words[words * at + packedWords - 1] ?? 0;
    const ownTask = number === 0 ? "" : unpackTask(chunk.words, words * at);
    const call = number === 0 ? (this.#calls.get(slot) ?? "") : `${ownTask}.${number}`;
    const task = this.#tasks.get(slot) ?? (number === 0 ? taskOfCall(call) : ownTask);
    const lane = this.lane(slot);
    const key = lane?.account.key ?? "";
    const forecast = this.#forecasts.get(slot);
    return {
      call,
      key,
      task,
      taskType: this.#typeNames[chunk.words[words * at + typeWord] ?? 0] ?? "",
      user: this.#users.get(slot) ?? key,
      root: this.#roots.get(slot) ?? task,
      band: lane?.band ?? 0,
      cost: this.cost(slot),
      role: forecast?.role ?? null,
      lead: forecast?.lead ?? 0,
      tokens: forecast?.tokens ?? 0,
      cuttable: forecast?.cuttable ?? false,
      cuts: forecast?.cuts ?? 0,
      ran: forecast?.ran ?? 0,
      capped: lane !== undefined && lane.gate.counted !== null,
      slots: lane?.gate.slots ?? 1,
      model: lane?.gate.model ?? null,
      line: lane?.gate.line ?? null,
    };
  }

  /** Lane that holds the slot. */
  lane(slot: number): L | undefined {
    return this.#lanes[this.#word(slot, laneWord)];
  }

  /** Predicted cost of the call in a slot. */
  cost(slot: number): number {
    return this.#double(slot, 0);
  }

  /** What the tree of the call in a slot is predicted to take from here on. */
  rest(slot: number): number {
    return this.#forecasts.get(slot)?.rest ?? this.cost(slot);
  }

  /** Arrival number of the call in a slot. */
  seq(slot: number): number {
    return this.#double(slot, 2);
  }

  /** The request that put a call here, as its ready row has it. */
  request(slot: number): ReadyRequest {
    const {
      call: _call,
      taskType: type,
      capped: _capped,
      slots,
      model,
      line,
      role,
      lead,
      tokens,
      cuttable,
      cuts,
      ran,
      ...rest
    } = this.read(slot);
    const lane = this.lane(slot);
    const learnt =
      role === null
        ? null
        : { role, lead, tokens, rest: this.rest(slot), ...cutParts(cuttable, cuts, ran) };
    return {
      ...rest,
      type,
      weight: lane?.account.weight ?? 1,
      capTotal: lane?.gate.capTotal ?? null,
      capPerKey: lane?.gate.capPerKey ?? null,
      seq: this.seq(slot),
      readyAtMs: this.readyAtMs(slot),
      tag: this.#double(slot, 1),
      ...shapeParts(slots, model, line),
      ...learnt,
    };
  }

  /** When the call in a slot became ready. */
  readyAtMs(slot: number): number {
    return this.#double(slot, 3);
  }

  /** Place of a slot in its lane's heap. */
  place(slot: number): number {
    return this.#word(slot, placeWord);
  }

  /** Order inside a key: the least tag first, then the first that came. */
  before(a: number, b: number): boolean {
    const tagA = this.#double(a, 1);
    const tagB = this.#double(b, 1);
    return tagA < tagB || (tagA === tagB && this.seq(a) < this.seq(b));
  }

  /** Called by the lane's heap. */
  moved(slot: number, index: number): void {
    this.#chunk(slot).words[words * (slot & (chunkSlots - 1)) + placeWord] = index;
  }

  #word(slot: number, which: number): number {
    return this.#chunk(slot).words[words * (slot & (chunkSlots - 1)) + which] ?? -1;
  }

  /** Counts a call into its lane and answers the lane's number. */
  #enter(lane: L): number {
    const { pooled } = lane;
    pooled.calls += 1;
    if (pooled.number !== noLane) return pooled.number;
    pooled.number = this.#freeLanes.pop() ?? this.#lanes.length;
    this.#lanes[pooled.number] = lane;
    return pooled.number;
  }

  /** Takes the call of a slot out of its lane's count. */
  #leave(slot: number): void {
    const lane = this.lane(slot);
    this.#chunk(slot).words[words * (slot & (chunkSlots - 1)) + laneWord] = noLane;
    if (lane === undefined) return;
    const { pooled } = lane;
    pooled.calls -= 1;
    if (pooled.calls > 0) return;
    this.#lanes[pooled.number] = undefined;
    this.#freeLanes.push(pooled.number);
    pooled.number = noLane;
  }

  #chunk(slot: number): Chunk {
    const chunk = this.#chunks[slot >> chunkBits];
    invariant(chunk !== undefined, "a slot is beyond the pool");
    return chunk;
  }

  #double(slot: number, which: number): number {
    const chunk = this.#chunks[slot >> chunkBits];
    return chunk?.doubles[doubles * (slot & (chunkSlots - 1)) + which] ?? 0;
  }

  #take(): number {
    const slot = this.#free;
    if (slot !== -1) {
      this.#free = this.place(slot);
      return slot;
    }
    if (this.#used === chunkSlots * this.#chunks.length) this.#chunks.push(newChunk());
    this.#used += 1;
    return this.#used - 1;
  }

  /** An empty pool gives back what a flood has made it grow to. */
  #reset(): void {
    this.#chunks = this.#chunks.slice(0, 1);
    this.#chunks[0]?.words.fill(noLane);
    this.#index.clear();
    this.#free = -1;
    this.#used = 0;
  }

  #typeNumber(name: string): number {
    const known = this.#typeNumbers.get(name);
    if (known !== undefined) return known;
    this.#typeNames.push(name);
    this.#typeNumbers.set(name, this.#typeNames.length - 1);
    return this.#typeNames.length - 1;
  }
}
