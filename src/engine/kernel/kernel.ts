import { ErrandError } from "../../core/errors.ts";
import type { IdPrefix } from "../../core/ids.ts";
import { snapshotEventsEvery } from "../../core/limits.ts";
import { taskScope, type Scope } from "../../core/scope.ts";
import type { Entry } from "../../core/stream/entry.ts";
import type { Courier } from "../../ports/host.ts";
import { ScopeCache } from "./cache.ts";
import type { Meta } from "./frame.ts";
import { GroupCommit } from "./group-commit.ts";
import type { AnyDecider, Item, Outcome } from "./group.ts";
import { IdSequence } from "./id-sequence.ts";
import type { DispatchOptions, KernelListener, KernelPorts } from "./kernel-ports.ts";
import { loadScope, readLog, type OpenedRow } from "./load.ts";
import type { OpenStream } from "./open-stream.ts";
import { Outbox } from "./outbox.ts";
import * as ask from "./store-op.ts";
import { Streams } from "./streams.ts";
import { Timers } from "./timers.ts";

/** What a host may set otherwise. */
export interface KernelOptions {
  /** Limit of cached states, in rough bytes. */
  readonly cacheBytesMax?: number;
  /** Events of a scope between two snapshots, at least 1. */
  readonly snapshotEventsEvery?: number;
}

/**
 * Default limit of cached states, in rough bytes: about 10,000 tasks. More would be of use only to a backlog that is
 * longer, and is what every collection of garbage walks; the heap may grow to several times of it in between.
 */
const cacheBytesDefault = 16 * 1024 * 1024;

/**
 * Mailboxes with group commit. Commands gather until the next turn of the event loop and go,
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
  readonly #commit: GroupCommit;
  #mailbox: Item[] = [];
  #flushed: { resolve(): void; reject(error: unknown): void; promise: Promise<void> } | null = null;
  #scheduled = false;
  #entriesWait = false;
  /** The group in flight. With a synchronous store there is none between two turns. */
  #running: Promise<void> | null = null;
  #stopped = false;
  readonly #ids: IdSequence;

  constructor(
    ports: KernelPorts,
    deciders: ReadonlyMap<string, AnyDecider>,
    options: KernelOptions = {},
  ) {
    this.#ports = ports;
    this.#deciders = deciders;
    this.#cache = new ScopeCache(options.cacheBytesMax ?? cacheBytesDefault);
    this.#streams = new Streams(ports.store, ports.cipher);
    this.#ids = new IdSequence(ports.random);
    this.#timers = new Timers(ports, (timer) => {
      void this.take(timer.scope, { type: "timer", name: timer.name }, {}, timer.name).catch(
        (error: unknown) => {
          // The timer's row is still there: it is tried again a little later.
          this.#timers.failed(timer, !(error instanceof ErrandError && error.code === "internal"));
          ports.log.error("a timer could not be handled", error, {
            scope: timer.scope,
            timer: timer.name,
          });
        },
      );
    });
    const courier: Courier = { deliver: (message) => this.#deliver(message) };
    this.#outbox = new Outbox(
      { ...ports, courier },
      { settled: () => this.#schedule(), wakeAt: (atMs) => this.#timers.alsoAt(atMs) },
    );
    this.#commit = new GroupCommit(ports, {
      deciders,
      cache: this.#cache,
      streams: this.#streams,
      timers: this.#timers,
      outbox: this.#outbox,
      ids: this.#ids,
      listeners: this.#listeners,
      snapshotEventsEvery: options.snapshotEventsEvery ?? snapshotEventsEvery,
    });
  }

  /** Rough bytes of cached states, for metrics. */
  get cacheBytes(): number {
    return this.#cache.bytes;
  }

  /** Group commits since this kernel was made. */
  get commits(): number {
    return this.#commit.commits;
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
   * `internal` when the decider has a bug. Commands of one caller to one scope are decided in the order given. A scope of
   * another home is asked there.
   */
  dispatch(scope: Scope, command: unknown, options: DispatchOptions = {}): Promise<Outcome> {
    if (this.#ports.dispatchAway === undefined || this.#isLocal(scope, command))
      return this.take(scope, command, options);
    return this.#ports.dispatchAway(scope, command, options);
  }

  /** Like {@link dispatch}, for a scope of this home: what other homes send arrives here. */
  take(
    scope: Scope,
    command: unknown,
    options: DispatchOptions = {},
    timer?: string,
  ): Promise<Outcome> {
    if (this.#stopped)
      return Promise.reject(
        new ErrandError("unavailable", "Errand is stopping", { retryAfterMs: 1_000 }),
      );
    return new Promise<Outcome>((resolve, reject) => {
      const settle = (outcome: Outcome | Error): void => {
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.#mailbox.push({
        scope,
        command,
        meta: options.meta ?? noMeta,
        key: options.key,
        isNew: options.isNew,
        timer,
        hop: 0,
        settle,
      });
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
    // Read here it would be as if it had never been.
    if (!this.#isLocal(scope, undefined))
      throw new ErrandError("internal", `${scope} lives in another home and is read there`);
    while (this.#commit.isDeciding(scope)) await this.#running;
    const cached = this.peek(scope);
    if (cached !== undefined) return look(cached.state, cached.seq);
    const decider = this.#decider(scope);
    const { commits } = this;
    const entry = await ask.drive(
      loadScope(scope, decider, this.#ports.cipher),
      this.#driverPorts(),
    );
    // While we waited a group may have loaded and changed it: then what we read was true, and is old.
    if (
      commits === this.commits &&
      !this.#commit.isDeciding(scope) &&
      !decider.settled(entry.state)
    ) {
      this.#cache.put(entry);
    }
    return look(entry.state, entry.seq);
  }

  /** A scope's log as it is stored, opened, in order; without what a snapshot has replaced. */
  async readLog(scope: Scope): Promise<readonly OpenedRow[]> {
    return await ask.drive(readLog(scope, this.#ports.cipher), this.#driverPorts());
  }

  /** The committed state, if it is cached and no group is changing it. The state must not be kept or changed. */
  peek(scope: Scope): { readonly state: unknown; readonly seq: number } | undefined {
    return this.#commit.isDeciding(scope) ? undefined : this.#cache.get(scope);
  }

  /**
   * Opens the stream of a task's attempt in the next commit, or takes it over with a higher epoch: numbers and
   * offsets then go on from what is stored. Throws `fenced` if a higher epoch has it.
   */
  async openStream(
    taskId: string,
    stream: string,
    user: string,
    epoch: number,
  ): Promise<OpenStream> {
    // What is in flight of an earlier owner belongs to what is stored.
    while (this.#running !== null) await this.#running;
    return await this.#streams.open(taskId, stream, user, epoch);
  }

  /**
   * Opens the stream of an attempt that has just begun here, in the next commit: no wait and no reading, because its
   * number was never given before. Throws `fenced` if a newer owner has it.
   */
  beginStream(taskId: string, stream: string, user: string, epoch: number): OpenStream {
    return this.#streams.begin(taskId, stream, user, epoch);
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
    return this.#stored(stream, () => this.#scheduleEntries());
  }

  /**
   * Adds entries that nobody waits for: they are numbered now and go with the next commit, whatever it is for, but make
   * none. Throws `fenced` like {@link append}.
   */
  hold(stream: OpenStream, entries: readonly Entry[]): void {
    this.#streams.append(stream, entries);
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
    const open = this.streamOf(taskId);
    // A segment that went cold may have opened it with an epoch that is not stored yet.
    if (open?.id === stream) return await this.close(open);
    const head = await this.#ports.store.streamHead(stream);
    if (head === null || head.closed) return;
    await this.close(await this.openStream(taskId, stream, user, head.epoch));
  }

  /** The waker rang: fires what is due, and sends again what did not arrive. */
  wake(): Promise<void> {
    this.#outbox.retry();
    return this.#timers.wake();
  }

  /** Arms timers, sends what the outbox holds. Call once, when the listeners are there. */
  async start(): Promise<void> {
    await this.#timers.start();
    await this.#outbox.start();
  }

  /** From now on no queue grants a call: the process is about to stop. */
  drain(): void {
    this.#commit.draining = true;
  }

  /** Refuses new commands and resolves when what was accepted is on disk. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timers.stop();
    this.#outbox.stop();
    while (this.#mailbox.length > 0 || this.#streams.isDirty || this.#running !== null) {
      // A group that failed has told its senders; what waits behind it still has its chance.
      await this.#nextFlush().catch(() => undefined);
    }
  }

  /** Carries a message out of the outbox: to its home, which may be this one if it was too deep for its group. */
  async #deliver(message: Parameters<Courier["deliver"]>[0]): Promise<void> {
    const { courier } = this.#ports;
    const { to, body } = message;
    if (courier !== undefined && !this.#isLocal(to, body)) await courier.deliver(message);
    else await this.take(to, body, { meta: { causationId: message.id } });
  }

  #isLocal(scope: Scope, body: unknown): boolean {
    return this.#ports.isLocal?.(scope, body) ?? true;
  }

  #decider(scope: Scope): AnyDecider {
    const decider = this.#deciders.get(scope.slice(0, scope.indexOf("/")));
    if (decider === undefined)
      throw new ErrandError("internal", `there is no decider for ${scope}`);
    return decider;
  }

  #driverPorts(): ask.DriverPorts {
    return { store: this.#ports.store, prepare: (users) => this.#ports.cipher.prepare(users) };
  }

  /** One promise for everybody whose entries go with the next commit. */
  #nextFlush(schedule: () => void = () => this.#schedule()): Promise<void> {
    if (this.#flushed === null) {
      this.#flushed = Promise.withResolvers<void>();
      // Appenders that do not wait must not turn a failed commit into an unhandled rejection.
      this.#flushed.promise.catch(() => undefined);
    }
    schedule();
    return this.#flushed.promise;
  }

  /** Resolves when the stream's entries are on disk; rejects with what kept them from it. */
  #stored(stream: OpenStream, schedule?: () => void): Promise<void> {
    const stored = this.#nextFlush(schedule).then(() => {
      if (stream.lost !== null) throw stream.lost;
    });
    stored.catch(() => undefined);
    return stored;
  }

  /** Entries alone wait until the host lets them go; a commit that comes before takes them along. */
  #scheduleEntries(): void {
    const { turn } = this.#ports;
    if (turn.entries === undefined) return this.#schedule();
    if (this.#scheduled || this.#entriesWait || this.#running !== null) return;
    this.#entriesWait = true;
    turn.entries(() => {
      this.#entriesWait = false;
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#running !== null) return;
    this.#scheduled = true;
    this.#ports.turn.later(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    // One group at a time: the end of this one schedules the next.
    if (this.#running !== null) return;
    const items = this.#mailbox.splice(0, this.#commit.commandsMax);
    const flushed = this.#flushed;
    this.#flushed = null;
    const done = (error: unknown): void => {
      this.#running = null;
      if (error === null) flushed?.resolve();
      else flushed?.reject(error);
      const more = this.#mailbox.length > 0 || this.#flushed !== null;
      if (more || this.#streams.isDirty || this.#outbox.settled.length > 0) this.#schedule();
    };
    try {
      const group = this.#commit.run(items);
      if (group instanceof Promise) this.#running = group.then(() => done(null), done);
      else done(null);
    } catch (error) {
      done(error);
    }
  }
}

const noMeta: Meta = {};

function errorOf(error: {
  code: ErrandError["code"];
  message: string;
  retryAfterMs?: number;
  fields?: ErrandError["fields"];
}): ErrandError {
  return new ErrandError(error.code, error.message, {
    retryAfterMs: error.retryAfterMs,
    fields: error.fields,
  });
}
