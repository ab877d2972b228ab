import type { DecideContext, Signal } from "../../core/decider.ts";
import { ErrandError } from "../../core/errors.ts";
import type { IdPrefix } from "../../core/ids.ts";
import { groupCommandsMax } from "../../core/limits.ts";
import { taskScope, type Scope } from "../../core/scope.ts";
import type { Entry } from "../../core/stream/entry.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { Clock, Courier, Log, Random, Turn, Waker } from "../../ports/host.ts";
import type { AsyncStore, CommitResult, SyncStore } from "../../ports/store.ts";
import { ScopeCache } from "./cache.ts";
import type { Meta } from "./frame.ts";
import {
  PoisonedCommand,
  prepareGroup,
  type AnyDecider,
  type CommandKey,
  type Committed,
  type GroupPorts,
  type Item,
  type Outcome,
  type Prepared,
} from "./group.ts";
import { IdSequence } from "./id-sequence.ts";
import { loadScope, readLog, type OpenedRow } from "./load.ts";
import type { OpenStream, StoredEntries } from "./open-stream.ts";
import { Outbox } from "./outbox.ts";
import * as ask from "./store-op.ts";
import { Streams } from "./streams.ts";
import { Timers } from "./timers.ts";

/** What the kernel needs of its host. */
export interface KernelPorts {
  readonly store: SyncStore | AsyncStore;
  readonly cipher: Cipher;
  readonly clock: Clock;
  readonly random: Random;
  readonly turn: Turn;
  readonly waker: Waker;
  readonly log: Log;
  /** Carries messages to scopes of other homes. Absent: every scope is local. */
  readonly courier?: Courier;
  isLocal?(scope: Scope): boolean;
  /** Told when storage has failed in a way that must end the process. */
  fatal(error: unknown): void;
}

/** What a command may carry besides itself. */
export interface DispatchOptions {
  readonly meta?: Meta;
  readonly key?: CommandKey;
}

/** Who is told of committed facts, in commit order: first the entries of a commit, then its events, then its signals. */
export interface KernelListener {
  entries?(stored: StoredEntries): void;
  committed?(commit: Committed): void;
  signal?(signal: Signal): void;
}

/** Tries of one group before its commands are answered `unavailable`: a conflict needs another writer. */
const groupTriesMax = 5;

/** Default limit of cached states, in rough bytes. */
const cacheBytesDefault = 48 * 1024 * 1024;

/**
 * Mailboxes with group commit (DESIGN section 3). Commands gather until the next turn of the event loop and go,
 * with everything they send each other, in one commit. A reply, a message, a token or a signal leaves only after
 * that commit was true. One group is in flight at a time, so the order of commands is the order of commits.
 */
export class Kernel {
  readonly #ports: KernelPorts;
  readonly #deciders: ReadonlyMap<string, AnyDecider>;
  readonly #cache: ScopeCache;
  readonly #streams: Streams;
  readonly #listeners = new Set<KernelListener>();
  readonly #timers: Timers;
  readonly #outbox: Outbox;
  #mailbox: Item[] = [];
  #flushed: { resolve(): void; reject(error: unknown): void; promise: Promise<void> } | null = null;
  #scheduled = false;
  #busy = false;
  #stopped = false;
  readonly #ids: IdSequence;

  constructor(ports: KernelPorts, deciders: ReadonlyMap<string, AnyDecider>, options: { cacheBytesMax?: number } = {}) {
    this.#ports = ports;
    this.#deciders = deciders;
    this.#cache = new ScopeCache(options.cacheBytesMax ?? cacheBytesDefault);
    this.#streams = new Streams(ports.store, ports.cipher);
    this.#ids = new IdSequence(ports.random);
    this.#timers = new Timers(ports, (timer) => {
      void this.dispatch(timer.scope, { type: "timer", name: timer.name }, {}, timer.name).catch((error: unknown) => {
        // The timer's row is still there: it is tried again a little later.
        this.#timers.failed(timer);
        ports.log.error("a timer could not be handled", error, { scope: timer.scope, timer: timer.name });
      });
    });
    const courier: Courier = { deliver: (message) => this.#deliver(message) };
    this.#outbox = new Outbox({ ...ports, courier }, () => this.#schedule());
  }

  /** Rough bytes of cached states, for metrics. */
  get cacheBytes(): number {
    return this.#cache.bytes;
  }

  /** A new time-ordered id: ids of one kernel sort in the order they were made. */
  id(prefix: IdPrefix): string {
    return this.#ids.next(prefix, this.#ports.clock.nowMs());
  }

  /** Adds a listener; answers how to remove it. */
  listen(listener: KernelListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Gives `command` to `scope`. Resolves when it is decided and its group is on disk; a refusal is
   * `reply.ok === false`. Rejects with `storage_full` or `unavailable` when nothing was written, and with
   * `internal` when the decider has a bug. Commands of one caller to one scope are decided in the order given.
   */
  dispatch(scope: Scope, command: unknown, options: DispatchOptions = {}, timer?: string): Promise<Outcome> {
    if (this.#stopped) return Promise.reject(new ErrandError("unavailable", "Errand is stopping", { retryAfterMs: 1_000 }));
    return new Promise<Outcome>((resolve, reject) => {
      const settle = (outcome: Outcome | Error): void => {
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.#mailbox.push({ scope, command, meta: options.meta ?? noMeta, key: options.key, timer, hop: 0, settle });
      this.#schedule();
    });
  }

  /** Like {@link dispatch}, but a refusal is thrown, and the reply's value is the result. */
  async ask(scope: Scope, command: unknown, options: DispatchOptions = {}): Promise<unknown> {
    const { reply } = await this.dispatch(scope, command, options);
    if (!reply.ok) throw errorOf(reply.error);
    return reply.value;
  }

  /** Reads a scope's committed state. The state must not be kept or changed. */
  async read<T>(scope: Scope, look: (state: unknown, seq: number) => T): Promise<T> {
    const cached = this.peek(scope);
    if (cached !== undefined) return look(cached.state, cached.seq);
    const decider = this.#decider(scope);
    const entry = await ask.drive(loadScope(scope, decider, this.#ports.cipher), this.#driverPorts());
    // While we waited a group may have loaded and changed it: then the cache is the truth.
    const now = this.peek(scope);
    if (now !== undefined) return look(now.state, now.seq);
    if (!decider.settled(entry.state)) this.#cache.put(entry);
    return look(entry.state, entry.seq);
  }

  /** A scope's log as it is stored, opened, in order; without what a snapshot has replaced. */
  async readLog(scope: Scope): Promise<readonly OpenedRow[]> {
    return await ask.drive(readLog(scope, this.#ports.cipher), this.#driverPorts());
  }

  /** The cached state, if there is one. With a synchronous store it is always the committed one. */
  peek(scope: Scope): { readonly state: unknown; readonly seq: number } | undefined {
    return this.#cache.get(scope);
  }

  /**
   * Opens the stream of a task's attempt in the next commit, or takes it over with a higher epoch: numbers and
   * offsets then go on from what is stored.
   */
  openStream(taskId: string, stream: string, user: string, epoch: number): Promise<OpenStream> {
    return this.#streams.open(taskId, stream, user, epoch);
  }

  /** The open stream of a task, if this process has one. */
  streamOf(taskId: string): OpenStream | undefined {
    return this.#streams.of(taskScope(taskId));
  }

  /**
   * Adds entries to an open stream. They are numbered now and shown to readers when the next commit is true.
   * Resolves then; rejects like {@link dispatch}. Throws `fenced` if a newer epoch owns the stream or it is closed.
   */
  append(stream: OpenStream, entries: readonly Entry[]): Promise<void> {
    this.#streams.append(stream, entries);
    return this.#stored(stream);
  }

  /** Ends a stream in the next commit: its entries become compressed blocks. Closing twice is closing once. */
  close(stream: OpenStream): Promise<void> {
    return this.#streams.close(stream) ? this.#stored(stream) : Promise.resolve();
  }

  /** Stored entries of a stream from number `from` on, of at most about `rowsMax` rows, open or closed. */
  readStream(stream: string, from: number, rowsMax = 64): Promise<readonly Entry[]> {
    return this.#streams.read(stream, from, rowsMax);
  }

  /** True if the stream exists and is not closed. */
  async hasStream(stream: string): Promise<boolean> {
    const head = await this.#ports.store.streamHead(stream);
    return head !== null && !head.closed;
  }

  /** Closes a stored stream that no live segment owns. */
  async closeStored(taskId: string, stream: string, user: string): Promise<void> {
    const head = await this.#ports.store.streamHead(stream);
    if (head === null || head.closed) return;
    await this.close(await this.openStream(taskId, stream, user, head.epoch));
  }

  /** The waker rang: fires what is due. */
  wake(): Promise<void> {
    return this.#timers.wake();
  }

  /** Arms timers, sends what the outbox holds. Call once, when the listeners are there. */
  async start(): Promise<void> {
    await this.#timers.start();
    await this.#outbox.start();
  }

  /** Refuses new commands and resolves when what was accepted is on disk. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timers.stop();
    this.#outbox.stop();
    while (this.#mailbox.length > 0 || this.#streams.isDirty || this.#busy) {
      // A group that failed has told its senders; what waits behind it still has its chance.
      await this.#nextFlush().catch(() => undefined);
    }
  }

  /** Carries a message out of the outbox: to its home, which may be this one if it was too deep for its group. */
  async #deliver(message: Parameters<Courier["deliver"]>[0]): Promise<void> {
    const { courier } = this.#ports;
    if (courier !== undefined && !this.#isLocal(message.to)) await courier.deliver(message);
    else await this.dispatch(message.to, message.body, { meta: { causationId: message.id } });
  }

  #isLocal(scope: Scope): boolean {
    return this.#ports.isLocal?.(scope) ?? true;
  }

  #decider(scope: Scope): AnyDecider {
    const decider = this.#deciders.get(scope.slice(0, scope.indexOf("/")));
    if (decider === undefined) throw new ErrandError("internal", `there is no decider for ${scope}`);
    return decider;
  }

  #driverPorts(): ask.DriverPorts {
    return { store: this.#ports.store, prepare: (users) => this.#ports.cipher.prepare(users) };
  }

  /** One promise for everybody whose entries go with the next commit. */
  #nextFlush(): Promise<void> {
    if (this.#flushed === null) {
      this.#flushed = Promise.withResolvers<void>();
      // Appenders that do not wait must not turn a failed commit into an unhandled rejection.
      this.#flushed.promise.catch(() => undefined);
    }
    this.#schedule();
    return this.#flushed.promise;
  }

  /** Resolves when the stream's entries are on disk; rejects if a newer owner took it over before that. */
  #stored(stream: OpenStream): Promise<void> {
    const stored = this.#nextFlush().then(() => {
      if (stream.lost) throw new ErrandError("fenced", `stream ${stream.id} has a new owner`);
    });
    stored.catch(() => undefined);
    return stored;
  }

  #schedule(): void {
    if (this.#scheduled || this.#busy) return;
    this.#scheduled = true;
    this.#ports.turn.later(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#busy) return;
    const items = this.#mailbox.splice(0, groupCommandsMax);
    const flushed = this.#flushed;
    this.#flushed = null;
    this.#busy = true;
    const done = (error: unknown): void => {
      this.#busy = false;
      if (error === null) flushed?.resolve();
      else flushed?.reject(error);
      if (this.#mailbox.length > 0 || this.#streams.isDirty || this.#flushed !== null || this.#outbox.settled.length > 0) {
        this.#schedule();
      }
    };
    try {
      const result = this.#runGroup(items);
      if (result instanceof Promise) void result.then(() => done(null), done);
      else done(null);
    } catch (error) {
      done(error);
    }
  }

  #runGroup(items: readonly Item[]): void | Promise<void> {
    return ask.drive(this.#group(items, new Set<Scope>()), this.#driverPorts());
  }

  *#group(items: readonly Item[], touched: Set<Scope>): ask.Dispatch<void> {
    let work = items;
    for (let round = 1; ; round += 1) {
      const dirty = this.#streams.dirty;
      const settledMessages = this.#outbox.settled.slice();
      let prepared: Prepared;
      let result: CommitResult;
      try {
        prepared = yield* prepareGroup(work, this.#groupPorts(dirty, touched));
        result = yield* ask.commit({ ...prepared.group, outboxDone: settledMessages });
      } catch (error) {
        for (const scope of touched) this.#cache.drop(scope);
        if (error instanceof PoisonedCommand) {
          work = this.#reject(work, error);
          continue;
        }
        this.#fail(work, dirty, error);
        throw error;
      }
      if (result.ok) {
        this.#outbox.forget(settledMessages);
        this.#publish(prepared, dirty);
        return;
      }
      for (const scope of touched) this.#cache.drop(scope);
      for (const stream of dirty) if (result.fenced.includes(stream.id)) this.#streams.forget(stream);
      if (round >= groupTriesMax) {
        const error = new ErrandError("unavailable", "another writer was faster, again and again", { retryAfterMs: 1_000 });
        this.#fail(work, dirty, error);
        throw error;
      }
    }
  }

  #groupPorts(dirty: readonly OpenStream[], touched: Set<Scope>): GroupPorts {
    const nowMs = this.#ports.clock.nowMs();
    const context: DecideContext = { nowMs, id: (prefix) => this.id(prefix), random: () => this.#ports.random.unit() };
    return {
      cache: this.#cache,
      cipher: this.#ports.cipher,
      context,
      deciders: this.#deciders,
      isLocal: (scope) => this.#isLocal(scope),
      streamOperations: () => this.#streams.operations(dirty),
      streamTail: (scope) => this.#streams.of(scope)?.ahead ?? null,
      touched: (scope) => touched.add(scope),
    };
  }

  /** The poisonous command is answered `internal`; the others of its group run again without it. */
  #reject(work: readonly Item[], poisoned: PoisonedCommand): readonly Item[] {
    this.#ports.log.error("a decider threw", poisoned.cause, { scope: poisoned.scope });
    poisoned.item.settle?.(new ErrandError("internal", "Errand has a bug here", { cause: poisoned.cause }));
    return work.filter((item) => item !== poisoned.item);
  }

  #fail(work: readonly Item[], dirty: readonly OpenStream[], error: unknown): void {
    const wrapped = error instanceof ErrandError ? error : new ErrandError("internal", "storage failed", { cause: error });
    for (const item of work) item.settle?.(wrapped);
    for (const stream of dirty) this.#streams.forget(stream);
    if (wrapped.code !== "storage_full" && wrapped.code !== "unavailable") this.#ports.fatal(error);
  }

  #publish(prepared: Prepared, dirty: readonly OpenStream[]): void {
    for (const touched of prepared.touched) {
      const { entry } = touched;
      entry.seq = touched.seq;
      if (entry.decider.settled(entry.state)) this.#cache.drop(entry.scope);
      else this.#cache.put(entry);
    }
    for (const snapshot of prepared.group.snapshots) {
      const entry = this.#cache.get(snapshot.scope);
      if (entry !== undefined) entry.snapshotSeq = snapshot.seq;
    }
    for (const stream of dirty) {
      const stored = this.#streams.settle(stream);
      if (stored !== null) this.#tell((listener) => listener.entries?.(stored));
    }
    for (const { item, outcome } of prepared.outcomes) item.settle?.(outcome);
    for (const commit of prepared.committed) this.#tell((listener) => listener.committed?.(commit));
    this.#timers.changed(prepared.group.timers);
    this.#outbox.send(prepared.group.outbox);
    for (const signal of prepared.signals) this.#tell((listener) => listener.signal?.(signal));
  }

  /** A listener that throws is a bug of its own: it must not keep the others, or a reply, from their news. */
  #tell(news: (listener: KernelListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        news(listener);
      } catch (error) {
        this.#ports.log.error("a listener of the kernel threw", error);
      }
    }
  }
}

const noMeta: Meta = {};

function errorOf(error: { code: ErrandError["code"]; message: string; retryAfterMs?: number; fields?: ErrandError["fields"] }): ErrandError {
  return new ErrandError(error.code, error.message, { retryAfterMs: error.retryAfterMs, fields: error.fields });
}
