import { asEntries } from "../erased-types.ts";
import { ErrandError } from "../../core/errors.ts";
import { blockCharsMax } from "../../core/limits.ts";
import { PassingMap } from "../../core/passing-map.ts";
import { taskScope, type Scope } from "../../core/scope.ts";
import type { Entry } from "../../core/stream/entry.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { AsyncStore, StreamOp, SyncStore } from "../../ports/store.ts";
import { OpenStream, type Held, type StoredEntries } from "./open-stream.ts";
import { openRow, sealAppends, type Append } from "./shared-rows.ts";

/** Rows read back when a stream is taken over: all of them. */
const rowsAll = 1_000_000;

/** The open streams of one kernel: one per task at most, because a task has one attempt at a time. */
export class Streams {
  readonly #store: SyncStore | AsyncStore;
  readonly #cipher: Cipher;
  readonly #open = new PassingMap<OpenStream>();
  readonly #ofTask = new PassingMap<OpenStream>();
  /** By their ids: an earlier owner of one is forgotten before the next can write. */
  readonly #dirty = new PassingMap<OpenStream>();

  constructor(store: SyncStore | AsyncStore, cipher: Cipher) {
    this.#store = store;
    this.#cipher = cipher;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Streams with something to write, as it is now: entries that were added together with a command go with that
   * command's group, and what comes while the group is decided goes with the next.
   */
  take(): readonly OpenStream[] {
    const dirty = [...this.#dirty.values()];
    for (const stream of dirty) stream.take();
    return dirty;
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  of(scope: Scope): OpenStream | undefined {
    return this.#ofTask.get(scope);
  }

  /**
   * Length that the open stream of a task's attempt will have with the commit in flight; null if it has none. The stream of
   * an earlier attempt, which is open to be closed, says nothing of the order of what happens in this one.
   */
  tailOf(scope: Scope, attempt: number | undefined): number | null {
    const stream = this.#ofTask.get(scope);
    if (stream === undefined) return null;
    const isOther = attempt !== undefined && attemptOf(stream.id) !== attempt;
    return isOther ? null : stream.tailAfterCommit;
  }

  /**
   * Opens a stream, or takes it over with a higher epoch. What an earlier epoch stored is read back. Throws `fenced`
   * if a higher epoch has it: late code of an old owner must not push the new one out.
   */
  async open(taskId: string, id: string, user: string, epoch: number): Promise<OpenStream> {
    const stored = this.#open.has(id) ? [] : await this.#rows(id, 0, rowsAll);
    const before = this.#open.get(id);
    if (before !== undefined && before.epoch === epoch) return before;
    if (before !== undefined && before.epoch > epoch) throw hasNewOwner(id);
    const rows = before === undefined ? stored : before.rows();
    const opened = new OpenStream(id, user, epoch);
    opened.adopt(rows);
    if (before !== undefined) this.forget(before);
    this.#open.set(id, opened);
    this.#becomesOf(taskScope(taskId), opened);
    return opened;
  }

  /**
   * Opens the stream of an attempt that has just begun in this process: its number is new, so that nothing of it can be
   * stored and nothing is read. Throws `fenced` if a higher epoch has it.
   */
  begin(taskId: string, id: string, user: string, epoch: number): OpenStream {
    const before = this.#open.get(id);
    if (before !== undefined && before.epoch === epoch) return before;
    if (before !== undefined) throw hasNewOwner(id);
    const opened = new OpenStream(id, user, epoch);
    this.#open.set(id, opened);
    this.#becomesOf(taskScope(taskId), opened);
    return opened;
  }

  /**
   * The stream of a task is that of its newest attempt. An earlier attempt's may be opened only to be closed, while the
   * newest already writes its own; one that nobody is closing has lost its owner.
   */
  #becomesOf(task: Scope, opened: OpenStream): void {
    const before = this.#ofTask.get(task);
    if (before !== undefined && attemptOf(before.id) > attemptOf(opened.id)) return;
    if (before !== undefined && before.id !== opened.id && !before.closing) this.forget(before);
    this.#ofTask.set(task, opened);
  }

  /** Adds entries for the next commit. Throws what kept earlier ones from the disk, or `fenced` if the stream is closed or has a new owner. */
  append(stream: OpenStream, entries: readonly Entry[]): void {
    if (this.#open.get(stream.id) !== stream) throw stream.lost ?? hasNewOwner(stream.id);
    stream.append(entries);
    this.#dirty.set(stream.id, stream);
  }

  /** Marks a stream to be ended by the next commit; false if it has another owner or is ended. */
  close(stream: OpenStream): boolean {
    if (this.#open.get(stream.id) !== stream) return false;
    stream.closing = true;
    this.#dirty.set(stream.id, stream);
    return true;
  }

  /** What the next commit writes for these streams. */
  operations(streams: readonly OpenStream[]): StreamOp[] {
    const operations: StreamOp[] = [];
    const appends: Append[] = [];
    for (const stream of streams) {
      operations.push(...stream.operations(this.#cipher));
      const taken = stream.taken();
      if (taken !== null) appends.push(taken);
    }
    return operations.concat(sealAppends(this.#cipher, appends));
  }

  /** The commit of `operations` was true: the entries readers may see now. */
  settle(stream: OpenStream): StoredEntries | null {
    this.#clean(stream);
    const { entries, closed } = stream.settle();
    if (closed) this.forget(stream);
    // Entries that came while the commit was in flight go with the next.
    else if (stream.isDirty && this.#open.get(stream.id) === stream)
      this.#dirty.set(stream.id, stream);
    return entries;
  }

  /** Drops a stream that this process no longer owns or whose commit failed; what is stored stays. */
  forget(stream: OpenStream, why?: ErrandError): void {
    // Each ended stream comes by here, and an error that nobody asks for costs as much as a row.
    if (this.#clean(stream)) stream.lost = why ?? hasNewOwner(stream.id);
    if (this.#open.get(stream.id) === stream) this.#open.delete(stream.id);
    const task = taskScope(stream.id.slice(0, stream.id.lastIndexOf("/")));
    if (this.#ofTask.get(task) === stream) this.#ofTask.delete(task);
  }

  /** It has nothing more to write; false if it had nothing. */
  #clean(stream: OpenStream): boolean {
    return this.#dirty.get(stream.id) === stream && this.#dirty.delete(stream.id);
  }

  /** Entries from number `from` on, of at most about `rowsMax` stored rows. */
  async read(id: string, from: number, rowsMax: number): Promise<readonly Entry[]> {
    const open = this.#open.get(id);
    // Rows of an open stream are small: as many are read as would make `rowsMax` blocks of a closed one.
    if (open !== undefined) return open.read(from, rowsMax * blockCharsMax);
    const entries: Entry[] = [];
    for (const row of await this.#rows(id, from, rowsMax)) {
      // Our own sealed JSON: its shape was checked when it was written.
      const all = asEntries(row.json);
      entries.push(...(row.n < from ? all.slice(from - row.n) : all));
    }
    return entries;
  }

  async #rows(id: string, from: number, rowsMax: number): Promise<Held[]> {
    const rows = await this.#store.streamRead(id, from, rowsMax);
    return rows.map((row) => ({
      n: row.n,
      count: row.count,
      json: openRow(this.#cipher, id, row),
    }));
  }
}

function hasNewOwner(stream: string): ErrandError {
  return new ErrandError("fenced", `stream ${stream} has a new owner`);
}

/** Number of the attempt that a stream belongs to. */
function attemptOf(id: string): number {
  return Number(id.slice(id.lastIndexOf("/") + 1));
}
