import type { DecideContext } from "../../core/decider.ts";
import { ErrandError } from "../../core/errors.ts";
import type { Scope } from "../../core/scope.ts";
import type { CommitResult, Group } from "../../ports/store.ts";
import type { ScopeCache } from "./cache.ts";
import {
  prepareGroup,
  type AnyDecider,
  type GroupPorts,
  type Item,
  type Prepared,
} from "./group.ts";
import type { IdSequence } from "./id-sequence.ts";
import type { KernelListener, KernelPorts } from "./kernel-ports.ts";
import type { OpenStream } from "./open-stream.ts";
import type { Outbox } from "./outbox.ts";
import { Pace } from "./pace.ts";
import { PoisonedCommand } from "./poisoned-command.ts";
import * as ask from "./store-op.ts";
import type { Streams } from "./streams.ts";
import type { Timers } from "./timers.ts";

/** Tries of one group before its commands are answered `unavailable`: a conflict needs another writer. */
const groupTriesMax = 5;

/** The parts of a kernel that a commit writes from and reports to. */
export interface GroupParts {
  readonly deciders: ReadonlyMap<string, AnyDecider>;
  readonly cache: ScopeCache;
  readonly streams: Streams;
  readonly timers: Timers;
  readonly outbox: Outbox;
  readonly ids: IdSequence;
  readonly listeners: ReadonlySet<KernelListener>;
  readonly snapshotEventsEvery: number;
}

/** Commits one group at a time: decides it, writes it, and only then tells whoever waits or listens. */
export class GroupCommit {
  readonly #ports: KernelPorts;
  readonly #parts: GroupParts;
  /** Scopes of the group in flight: their cached states may hold facts that are not committed yet. */
  #deciding = new Set<Scope>();
  /** Told to every decision: see {@link DecideContext.draining}. */
  draining = false;
  /** Groups committed so far. */
  commits = 0;
  /** Streams whose entries are in the commit in flight. */
  #written: readonly OpenStream[] = [];
  readonly #pace = new Pace();
  /** What the store took for the commits of the group that runs. */
  #storeMs = 0;

  constructor(ports: KernelPorts, parts: GroupParts) {
    this.#ports = ports;
    this.#parts = parts;
  }

  /** True while a group that has not committed yet may have changed the scope's cached state. */
  isDeciding(scope: Scope): boolean {
    return this.#deciding.has(scope);
  }

  /** Commands the next group may take. */
  get commandsMax(): number {
    return this.#pace.commandsMax;
  }

  /**
   * Runs one group to its end. Every sender is answered when it returns or resolves; it throws what kept the group
   * from the disk.
   */
  run(items: readonly Item[]): void | Promise<void> {
    const { store, cipher, clock } = this.#ports;
    const startMs = clock.nowMs();
    this.#storeMs = 0;
    const end = ask.drive(this.#group(items), { store, prepare: (users) => cipher.prepare(users) });
    // Of a group that has to wait, what came before its first wait has kept the event loop busy.
    const storeMs = end instanceof Promise ? 0 : this.#storeMs;
    this.#pace.took(items.length, clock.nowMs() - startMs - storeMs);
    return end;
  }

  *#group(items: readonly Item[]): ask.Dispatch<void> {
    let work = items;
    this.#written = this.#parts.streams.take();
    for (let round = 1; ; round += 1) {
      const settled = this.#parts.outbox.settled.slice();
      let prepared: Prepared;
      let result: CommitResult;
      try {
        prepared = yield* prepareGroup(work, this.#groupPorts(), round);
        const group: Group = { ...prepared.group, outboxDone: settled };
        const commitMs = this.#ports.clock.nowMs();
        result = isEmpty(group) ? { ok: true } : yield* ask.commit({ ...group, atMs: commitMs });
        this.#storeMs += this.#ports.clock.nowMs() - commitMs;
      } catch (error) {
        this.#dropStates();
        if (!(error instanceof PoisonedCommand)) throw this.#fail(work, error);
        work = this.#reject(work, error);
        continue;
      }
      if (result.ok) {
        this.#parts.outbox.forget(settled);
        this.#publish(prepared);
        return;
      }
      this.#dropStates();
      this.#dropFenced(result.fenced);
      if (round >= groupTriesMax) {
        const message = "another writer was faster, again and again";
        const error = new ErrandError("unavailable", message, { retryAfterMs: 1_000 });
        throw this.#fail(work, error);
      }
    }
  }

  #groupPorts(): GroupPorts {
    const { cache, deciders, ids, streams, snapshotEventsEvery } = this.#parts;
    const ports = this.#ports;
    const { cipher, clock, random } = ports;
    const nowMs = clock.nowMs();
    const context: DecideContext = {
      nowMs,
      id: (prefix) => ids.next(prefix, nowMs),
      random: () => random.unit(),
      ...(this.draining ? { draining: true } : {}),
    };
    return {
      cache,
      cipher,
      context,
      deciders,
      isLocal: (scope, body) => ports.isLocal?.(scope, body) ?? true,
      listsAt: (userId) => ports.listsAt?.(userId) ?? null,
      streamOperations: () => streams.operations(this.#written),
      streamTail: (scope, attempt) => streams.tailOf(scope, attempt),
      touched: (scope) => this.#deciding.add(scope),
      snapshotEventsEvery,
    };
  }

  /** Streams that a newer owner has go no further; the rest of the group is tried again. */
  #dropFenced(fenced: readonly string[]): void {
    for (const stream of this.#written) {
      if (fenced.includes(stream.id)) this.#parts.streams.forget(stream);
    }
    this.#written = this.#written.filter(({ id }) => !fenced.includes(id));
  }

  /** Nothing that was decided is true: every state the group may have changed is loaded again. */
  #dropStates(): void {
    for (const scope of this.#deciding) this.#parts.cache.drop(scope);
    this.#deciding = new Set();
  }

  /** The poisonous command is answered `internal`; the others of its group run again without it. */
  #reject(work: readonly Item[], poisoned: PoisonedCommand): readonly Item[] {
    this.#ports.log.error("a decider threw", poisoned.cause, { scope: poisoned.scope });
    const answer = new ErrandError("internal", "Errand has a bug here", { cause: poisoned.cause });
    poisoned.item.settle?.(answer);
    return work.filter((item) => item !== poisoned.item);
  }

  #fail(work: readonly Item[], error: unknown): ErrandError {
    const wrapped =
      error instanceof ErrandError
        ? error
        : new ErrandError("internal", "storage failed", { cause: error });
    for (const item of work) item.settle?.(wrapped);
    for (const stream of this.#written) this.#parts.streams.forget(stream, wrapped);
    if (wrapped.code !== "storage_full" && wrapped.code !== "unavailable") this.#ports.fatal(error);
    return wrapped;
  }

  #publish(prepared: Prepared): void {
    const { cache, streams, timers, outbox } = this.#parts;
    // Not cleared: a set keeps, in the old heap, what was in it when it was cleared.
    this.#deciding = new Set();
    this.commits += 1;
    for (const { entry, seq, snapshotSeq } of prepared.touched) {
      entry.seq = seq;
      if (snapshotSeq !== null) entry.snapshotSeq = snapshotSeq;
      if (entry.decider.settled(entry.state)) cache.drop(entry.scope);
      else cache.put(entry);
    }
    for (const stream of this.#written) {
      const stored = streams.settle(stream);
      if (stored !== null) this.#tell((listener) => listener.entries?.(stored));
    }
    for (const { item, outcome } of prepared.outcomes) item.settle?.(outcome);
    for (const commit of prepared.committed) this.#tell((listener) => listener.committed?.(commit));
    timers.changed(prepared.group.timers);
    outbox.send(prepared.group.outbox);
    for (const signal of prepared.signals) this.#tell((listener) => listener.signal?.(signal));
  }

  #tell(news: (listener: KernelListener) => void): void {
    for (const listener of this.#parts.listeners) {
      try {
        news(listener);
      } catch (error) {
        this.#ports.log.error("a listener of the kernel threw", error);
      }
    }
  }
}

/** Refusals and repeated messages write nothing: their group needs no transaction. */
function isEmpty(group: Omit<Group, "atMs">): boolean {
  return Object.values(group).every((part) => part.length === 0);
}
