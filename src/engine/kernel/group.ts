import type { Batch, DecideContext, Decider, Message, Reply, Signal } from "../../core/decider.ts";
import { messageHopsMax } from "../../core/limits.ts";
import { rowKey, type Row } from "../../core/rows.ts";
import { scopeKind, type Scope } from "../../core/scope.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type {
  Group,
  KeyRow,
  LogAppend,
  OutboxRow,
  SnapshotPut,
  StreamOp,
  TimerPut,
} from "../../ports/store.ts";
import type { CachedScope, ScopeCache } from "./cache.ts";
import { encodeFrames, firstUnwritable, hasMeta } from "./frame.ts";
import type { EncodedFrame, Meta, Pending } from "./frame.ts";
import { answerKnownKeys, replay } from "./known-keys.ts";
import { LoadAhead } from "./load-ahead.ts";
import { loadScope, UnreadableScope } from "./load.ts";
import { PoisonedCommand } from "./poisoned-command.ts";
import { prepareOwners } from "./prepare-owners.ts";
import { rowsAway } from "./rows-away.ts";
import type * as ask from "./store-op.ts";

/** Any decider: the kernel does not know what the scopes mean. */
export type AnyDecider = Decider<unknown, unknown, unknown>;

/** An idempotency key that comes with a command. `ref` names what the command makes. */
export interface CommandKey {
  readonly userId: string;
  readonly key: string;
  readonly hash: string;
  readonly ref: string;
  readonly expiresAtMs: number;
}

/** One command on its way through the kernel. */
export interface Item {
  readonly scope: Scope;
  readonly command: unknown;
  readonly meta: Meta;
  readonly key?: CommandKey | undefined;
  /** Name of the timer that fired, if one did: it is cleared unless the decision sets it again. */
  readonly timer?: string | undefined;
  /** The scope's name was just made: nothing of it is stored. */
  readonly isNew?: true | undefined;
  /** In-group messages that led here: 0 for a command from outside the group. */
  readonly hop: number;
  /** The command from outside that led here; absent if this is it. */
  readonly origin?: Item | undefined;
  /** Called with the reply once the group is committed, or with the error that kept it from it. Absent for messages inside the group. */
  readonly settle?: ((outcome: Outcome | Error) => void) | undefined;
}

/** What the sender of a command gets. `replayed`: an earlier command had the same key, and `value` is `{ref}`. */
export interface Outcome {
  readonly reply: Reply;
  readonly replayed: boolean;
}

/** Events of one scope that a group committed. */
export interface Committed {
  readonly scope: Scope;
  /** Number of the first event. */
  readonly seq: number;
  readonly atMs: number;
  readonly events: readonly unknown[];
  readonly metas: readonly (readonly [number, Meta])[];
  /** The state after the events. Readers must not change it. */
  readonly state: unknown;
}

/** A finished group: what to write, and what to tell whom once it is written. */
export interface Prepared {
  readonly group: Group;
  readonly touched: readonly Touched[];
  readonly outcomes: readonly { item: Item; outcome: Outcome }[];
  readonly signals: readonly Signal[];
  readonly committed: readonly Committed[];
}

/** What {@link prepareGroup} needs of the kernel. */
export interface GroupPorts {
  readonly cache: ScopeCache;
  readonly cipher: Cipher;
  readonly context: DecideContext;
  readonly deciders: ReadonlyMap<string, AnyDecider>;
  isLocal(scope: Scope, body: unknown): boolean;
  /** Where rows of lists of a user stand, if that is another home. */
  listsAt(userId: string): Scope | null;
  /** Stream operations to write with the group, and the tail the open stream of a task's attempt will have. */
  streamOperations(): readonly StreamOp[];
  streamTail(scope: Scope, attempt: number | undefined): number | null;
  /** Events of a scope between two snapshots. */
  readonly snapshotEventsEvery: number;
  /** Told of each scope whose cached state the group may have changed. */
  touched(scope: Scope): void;
}

/** A scope while a group works on it. */
export interface Touched {
  readonly entry: CachedScope;
  /** The first command that came to it. */
  readonly by: Item;
  readonly pending: Pending;
  /** Which command made the events from which place of `pending` on. */
  readonly makers: { readonly from: number; readonly item: Item }[];
  seq: number;
  /** Number of the event at which the group writes a snapshot; `null`: it writes none. */
  snapshotSeq: number | null;
  /** Messages without an event of their own, for their ids. */
  loose: number;
}

const none: readonly never[] = [];

/** Gathers everything the commands of one group do. Nothing outside the group's own states is changed. */
class Gathering {
  readonly ports: GroupPorts;
  readonly work: Item[];
  readonly touched = new Map<Scope, Touched>();
  readonly ahead = new LoadAhead();
  readonly rows = new Map<string, Row>();
  readonly freshReady = new Set<string>();
  readonly timers = new Map<string, TimerPut>();
  readonly outbox: { id: string; to: Scope; body: unknown; owner: CachedScope }[] = [];
  readonly keys = new Map<string, KeyRow>();
  readonly signals: Signal[] = [];
  readonly outcomes: { item: Item; outcome: Outcome }[] = [];
  /** A round before this one was refused: what was said to be new may not be. */
  readonly loadsNew: boolean;

  constructor(ports: GroupPorts, items: readonly Item[], loadsNew: boolean) {
    this.ports = ports;
    this.work = [...items];
    this.loadsNew = loadsNew;
  }

  /** The item's scope, if nothing has to be asked for it. */
  known(item: Item): Touched | undefined {
    const { scope, isNew } = item;
    const before = this.touched.get(scope);
    if (before !== undefined) return before;
    this.ports.touched(scope);
    const cached = this.ports.cache.get(scope) ?? (isNew ? this.zero(scope) : undefined);
    return cached && this.touch(cached, item);
  }

  touch(entry: CachedScope, by: Item): Touched {
    const touched: Touched = {
      entry,
      by,
      pending: { events: [], metas: [] },
      makers: [],
      seq: entry.seq,
      snapshotSeq: null,
      loose: 0,
    };
    this.touched.set(entry.scope, touched);
    return touched;
  }

  /** A scope that nobody has named before. If one has all the same, the store refuses the group, and it is loaded. */
  zero(scope: Scope): CachedScope | undefined {
    if (this.loadsNew) return undefined;
    const decider = this.decider(scope);
    return { scope, decider, state: decider.zero(scope), seq: 0, snapshotSeq: 0, bytes: 0 };
  }

  *load(item: Item, at: number): ask.Dispatch<CachedScope> {
    const { scope } = item;
    const isKnown = (other: Scope): boolean =>
      this.touched.has(other) || this.ports.cache.get(other) !== undefined;
    const stored = yield* this.ahead.read(this.work, at, isKnown);
    try {
      return yield* loadScope(scope, this.decider(scope), this.ports.cipher, stored);
    } catch (error) {
      if (error instanceof UnreadableScope) throw new PoisonedCommand(item, error);
      throw error;
    }
  }

  decider(scope: Scope): AnyDecider {
    const decider = this.ports.deciders.get(scopeKind(scope));
    if (decider === undefined) throw new TypeError(`no decider for ${scope}`);
    return decider;
  }

  run(item: Item, touched: Touched): void {
    const { entry } = touched;
    let batch: Batch<unknown>;
    try {
      batch = entry.decider.decide(entry.state, item.command, this.ports.context);
      if (batch.folded !== true) {
        for (const event of batch.events)
          entry.state = entry.decider.evolve(entry.state, event, this.ports.context.nowMs);
      }
    } catch (cause) {
      throw new PoisonedCommand(item, cause);
    }
    this.record(item, touched, batch);
  }

  record(item: Item, touched: Touched, batch: Batch<unknown>): void {
    const { pending } = touched;
    if (batch.events.length > 0) {
      if (hasMeta(item.meta) || pending.metas.length > 0)
        pending.metas.push([pending.events.length, item.meta]);
      touched.makers.push({ from: pending.events.length, item });
      for (const event of batch.events) pending.events.push(event);
      touched.seq += batch.events.length;
    }
    let index = 0;
    for (const message of batch.messages ?? none)
      this.send(item, touched, message, index++, batch.events.length);
    for (const row of batch.rows ?? none) this.putRow(row);
    if (item.timer !== undefined)
      this.putTimer({ scope: item.scope, name: item.timer, atMs: null });
    for (const timer of batch.timers ?? none) this.putTimer({ scope: item.scope, ...timer });
    for (const signal of batch.signals ?? none) this.signals.push(signal);
    if (item.key !== undefined && batch.reply.ok) {
      const { userId, key, hash, ref, expiresAtMs } = item.key;
      this.keys.set(`${userId}/${key}`, { userId, key, hash, ref, expiresAtMs });
    }
    if (item.settle !== undefined)
      this.outcomes.push({ item, outcome: { reply: batch.reply, replayed: false } });
  }

  send(item: Item, touched: Touched, message: Message, index: number, events: number): void {
    const from = touched.entry.scope;
    // With an event the id is where the message comes from; without one it has to be made unlike any other.
    // Joined, because it goes into JSON: see `formatId`.
    const id = events > 0 ? [from, "#", touched.seq, ".", index].join("") : this.looseId(touched);
    if (this.ports.isLocal(message.to, message.body) && item.hop < messageHopsMax) {
      const meta = { ...item.meta, causationId: id };
      this.work.push({
        scope: message.to,
        command: message.body,
        meta,
        hop: item.hop + 1,
        origin: item.origin ?? item,
      });
    } else {
      this.outbox.push({ id, to: message.to, body: message.body, owner: touched.entry });
    }
  }

  looseId(touched: Touched): string {
    touched.loose += 1;
    return `${touched.entry.scope}#${touched.seq}.${this.ports.context.id("call")}`;
  }

  /** The last row of a key wins; a ready row that comes and goes within the group is never written. */
  putRow(row: Row): void {
    const key = rowKey(row);
    if (row.table === "readyGone" && this.freshReady.delete(key)) {
      this.rows.delete(key);
      return;
    }
    // A call that has left the stored rows in this group leaves them for good, even if it comes and goes again.
    if (row.table === "ready" && this.rows.get(key)?.table !== "readyGone")
      this.freshReady.add(key);
    this.rows.set(key, row);
  }

  putTimer(timer: TimerPut): void {
    this.timers.set(`${timer.scope}|${timer.name}`, timer);
  }
}

/**
 * Decides a group of commands and everything they send to each other, and prepares its one commit. Commands are
 * decided in order, each on the state the one before left (SPEC KERNEL3); nothing is visible outside before the
 * commit is true.
 */
export function* prepareGroup(
  items: readonly Item[],
  ports: GroupPorts,
  round: number,
): ask.Dispatch<Prepared> {
  const gathering = new Gathering(ports, items, round > 1);
  gathering.outcomes.push(...(yield* answerKnownKeys(gathering.work, ports.context.nowMs)));
  for (let at = 0; at < gathering.work.length; at += 1) {
    const item = gathering.work[at];
    if (item === undefined) break;
    const twin =
      item.key === undefined ? undefined : gathering.keys.get(`${item.key.userId}/${item.key.key}`);
    if (item.key !== undefined && twin !== undefined)
      gathering.outcomes.push({ item, outcome: replay(item.key, twin) });
    else {
      const known = gathering.known(item);
      gathering.run(item, known ?? gathering.touch(yield* gathering.load(item, at), item));
    }
  }
  yield* prepareOwners(gathering.touched.values());
  return assemble(gathering);
}

function assemble(gathering: Gathering): Prepared {
  const { cipher, context } = gathering.ports;
  const streams = gathering.ports.streamOperations();
  const appends: LogAppend[] = [];
  const snapshots: SnapshotPut[] = [];
  const committed: Committed[] = [];
  for (const touched of gathering.touched.values()) {
    const { entry, pending, seq } = touched;
    if (pending.events.length === 0) continue;
    const owner = entry.decider.owner(entry.state);
    let first = entry.seq + 1;
    const tail = gathering.ports.streamTail(entry.scope, entry.decider.attempt?.(entry.state));
    for (const { text, count } of framesOf(touched, tail)) {
      const body = cipher.seal(owner, `${entry.scope}#${first}`, text);
      appends.push({ scope: entry.scope, seq: first, count, atMs: context.nowMs, body });
      first += count;
    }
    const { decider, scope, state } = entry;
    committed.push({
      scope,
      seq: entry.seq + 1,
      atMs: context.nowMs,
      events: pending.events,
      metas: pending.metas,
      state,
    });
    if (
      decider.snapshot !== undefined &&
      seq - entry.snapshotSeq >= gathering.ports.snapshotEventsEvery
    ) {
      const text = JSON.stringify({ v: 1, s: decider.snapshot.save(state) });
      // A queue's log says nothing to people that its tasks' logs do not: it is cut at each snapshot.
      touched.snapshotSeq = seq;
      snapshots.push({
        scope,
        seq,
        body: cipher.seal(owner, `${scope}@${seq}`, text, { compress: true }),
        trim: scope.startsWith("queue/"),
      });
    }
  }
  const group = { ...groupRows(gathering), appends, snapshots, streams };
  return {
    group,
    touched: [...gathering.touched.values()],
    outcomes: gathering.outcomes,
    signals: gathering.signals,
    committed,
  };
}

/** A fact that is not JSON is the fault of the command that made it, and of nothing else in the group. */
function framesOf({ pending, makers }: Touched, tail: number | null): EncodedFrame[] {
  try {
    return encodeFrames(pending, tail);
  } catch (cause) {
    const at = firstUnwritable(pending.events);
    const maker = makers.findLast(({ from }) => from <= at);
    throw maker === undefined ? cause : new PoisonedCommand(maker.item, cause);
  }
}

function groupRows(gathering: Gathering): Omit<Group, "appends" | "snapshots" | "streams"> {
  const { cipher } = gathering.ports;
  const tasks: Group["tasks"][number][] = [];
  const sessions: Group["sessions"][number][] = [];
  const readyPut: Group["readyPut"][number][] = [];
  const readyGone: Group["readyGone"][number][] = [];
  for (const row of gathering.rows.values()) {
    if (row.table === "task") tasks.push(row);
    else if (row.table === "ready") readyPut.push(row);
    else if (row.table === "readyGone") readyGone.push(row);
    else
      sessions.push({
        ...row,
        title: cipher.seal(row.userId, titlePlace(row.userId, row.chatId), row.title),
      });
  }
  const outbox: OutboxRow[] = gathering.outbox.map(({ id, to, body, owner }) => ({
    id,
    to,
    body: cipher.seal(owner.decider.owner(owner.state), `out:${id}`, JSON.stringify(body)),
  }));
  outbox.push(...rowsAway(gathering.rows.values(), gathering.ports));
  const timers = [...gathering.timers.values()];
  return {
    tasks,
    sessions,
    readyPut,
    readyGone,
    timers,
    outbox,
    outboxDone: [],
    keys: [...gathering.keys.values()],
  };
}

/** Where a session's title is sealed to. */
export function titlePlace(userId: string, chatId: string): string {
  return `title:${userId}/${chatId}`;
}
