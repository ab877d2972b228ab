import type { Decider } from "../../src/core/decider.ts";
import { queueDecider } from "../../src/core/queue/decider.ts";
import type { QueueState } from "../../src/core/queue/state.ts";
import type { ReadyRequest, TaskRow } from "../../src/core/rows.ts";
import {
  queueScope,
  scopeKind,
  sessionScope,
  taskScope,
  userScope,
  type Scope,
} from "../../src/core/scope.ts";
import { sessionDecider } from "../../src/core/session/decider.ts";
import type { SessionState } from "../../src/core/session/state.ts";
import { taskDecider } from "../../src/core/task/decider.ts";
import type { TaskEvent } from "../../src/core/task/events.ts";
import type { TaskState } from "../../src/core/task/state.ts";
import { userDecider, type UserState } from "../../src/core/user/decider.ts";
import { decodeFrame, type StoredEvent } from "../../src/engine/kernel/frame.ts";
import type { Cipher } from "../../src/ports/cipher.ts";
import type { Group, StreamHead } from "../../src/ports/store.ts";
import { TaskLife } from "./task-life.ts";
import { must } from "./trace.ts";

/** A scope folded from what is on disk. */
export interface ShadowScope {
  readonly scope: Scope;
  state: unknown;
  seq: number;
}

type Erased = Decider<unknown, unknown, unknown>;

const deciders = {
  task: taskDecider as Erased,
  session: sessionDecider as Erased,
  user: userDecider as Erased,
  queue: queueDecider as Erased,
};

/**
 * A scope's state as text, equal for equal states. A queue's waiting calls are left out, because its log does not hold
 * them; a task's spec is named only, unless `whole`, because it never changes.
 */
export function stateText(scope: Scope, state: unknown, whole = false): string {
  switch (scopeKind(scope)) {
    case "task": {
      const { operations, awaited, inbox, spec, ...rest } = state as TaskState;
      const fixed = whole ? spec : spec?.type;
      return JSON.stringify([rest, fixed, [...operations], [...awaited], [...inbox]]);
    }
    case "session":
      return sorted(sessionDecider.snapshot?.save(state as SessionState));
    case "user":
      return sorted(userDecider.snapshot?.save(state as UserState));
    case "queue":
      return JSON.stringify(queueDecider.snapshot?.save(state as QueueState));
    default:
      return "";
  }
}

/** Text of a saved state, whatever the order of its fields. */
function sorted(saved: unknown): string {
  return JSON.stringify(Object.entries(saved as object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * What is on disk, followed from outside: every committed group is decoded from its bytes and folded again, with
 * the unplanted deciders. Whatever the kernel believes is compared with it.
 */
export class Shadow {
  readonly scopes = new Map<Scope, ShadowScope>();
  readonly lives = new Map<string, TaskLife>();
  readonly timers = new Map<Scope, Map<string, number>>();
  readonly ready = new Map<string, Map<string, ReadyRequest>>();
  readonly rows = new Map<string, TaskRow>();
  readonly streams = new Map<string, StreamHead>();
  readonly outbox = new Set<string>();
  /** How often each session was deleted. */
  readonly deletions = new Map<Scope, number>();
  /** Told of every fact, before the state is folded. */
  onFact: (scope: Scope, event: { readonly type: string }, atMs: number) => void = () => undefined;
  readonly #cipher: Cipher;

  constructor(cipher: Cipher) {
    this.#cipher = cipher;
  }

  task(id: string): TaskState | undefined {
    return this.scopes.get(taskScope(id))?.state as TaskState | undefined;
  }

  queue(name: string): QueueState | undefined {
    return this.scopes.get(queueScope(name))?.state as QueueState | undefined;
  }

  session(userId: string, chatId: string): SessionState | undefined {
    return this.scopes.get(sessionScope(userId, chatId))?.state as SessionState | undefined;
  }

  user(id: string): UserState | undefined {
    return this.scopes.get(userScope(id))?.state as UserState | undefined;
  }

  /** All accepted tasks, in the order they were accepted. */
  *tasks(): Iterable<TaskState> {
    for (const { scope, state } of this.scopes.values()) {
      if (scope.startsWith("task/") && (state as TaskState).spec !== null) yield state as TaskState;
    }
  }

  /** Folds a committed group; answers the scopes whose log it grew and the text of its facts, for the trace. */
  apply(group: Group): { readonly touched: readonly Scope[]; readonly facts: string } {
    const touched = new Set<Scope>();
    let said = "";
    for (const { stream, ...op } of group.streams) {
      this.#stream(stream, op);
      said += `${stream} ${op.op} ${"n" in op ? op.n : ""} epoch ${op.epoch};`;
    }
    for (const row of group.appends) {
      const before = this.scopes.get(row.scope);
      const shadow = before ?? {
        scope: row.scope,
        state: deciders[scopeKind(row.scope)].zero(row.scope),
        seq: 0,
      };
      this.scopes.set(row.scope, shadow);
      must(
        row.seq === shadow.seq + 1,
        "seq is gapless",
        () => `${row.scope}: ${row.seq} follows ${shadow.seq}`,
      );
      const text = this.#cipher.open(`${row.scope}#${row.seq}`, row.body);
      said += `${row.scope}#${row.seq}${text}`;
      const facts = decodeFrame(text, row);
      this.#knowsItsStream(shadow, facts);
      for (const { event } of facts) this.#fact(shadow, event as { type: string }, row.atMs);
      must(facts.length === row.count, "a row counts its events", () => `${row.scope}#${row.seq}`);
      touched.add(row.scope);
    }
    this.#rows(group);
    return { touched: [...touched], facts: said };
  }

  /** A row that begins or ends an attempt comes behind all of its stream, whatever it says. */
  #knowsItsStream({ scope, seq, state }: ShadowScope, facts: readonly StoredEvent[]): void {
    const tail = facts[0]?.streamTail ?? null;
    if (tail === null || !scope.startsWith("task/")) return;
    const { attempt } = state as TaskState;
    if (facts.some(({ event }) => (event as TaskEvent).type === "task.started")) return;
    const stream = this.streams.get(`${scope.slice("task/".length)}/${attempt}`);
    must(
      tail === (stream?.tail ?? 0),
      "a log row knows how long its stream was",
      () => `${scope}#${seq + 1} says ${tail}, the stream has ${stream?.tail ?? 0}`,
    );
  }

  #fact(shadow: ShadowScope, event: { type: string }, atMs: number): void {
    const { scope } = shadow;
    this.onFact(scope, event, atMs);
    if (scope.startsWith("task/")) {
      const id = scope.slice("task/".length);
      const life = this.lives.get(id) ?? new TaskLife(id);
      this.lives.set(id, life);
      life.observe(event as TaskEvent, atMs);
    }
    if (event.type === "session.deleted")
      this.deletions.set(scope, (this.deletions.get(scope) ?? 0) + 1);
    shadow.state = deciders[scopeKind(scope)].evolve(shadow.state, event, atMs);
    shadow.seq += 1;
  }

  #stream(stream: string, op: StreamOpRest): void {
    const head = this.streams.get(stream) ?? { epoch: 0, tail: 0, closed: false };
    must(!head.closed, "a closed stream stays closed", () => `${op.op} of ${stream}`);
    must(
      op.epoch >= head.epoch,
      "a stale epoch cannot write a stream",
      () => `${op.op} of ${stream} with epoch ${op.epoch} < ${head.epoch}`,
    );
    if (op.op === "append") {
      must(
        op.n === head.tail,
        "stream entries are gapless",
        () => `${stream}: entry ${op.n} follows ${head.tail}`,
      );
      this.streams.set(stream, { epoch: op.epoch, tail: op.n + op.count, closed: false });
    } else if (op.op === "close") {
      const tail = op.blocks.reduce((sum, block) => sum + block.count, 0);
      must(
        tail >= head.tail,
        "closing a stream drops nothing",
        () => `${stream}: ${tail} of ${head.tail} entries`,
      );
      this.streams.set(stream, { epoch: op.epoch, tail, closed: true });
    } else this.streams.set(stream, { ...head, epoch: op.epoch });
  }

  #rows(group: Group): void {
    for (const row of group.tasks) this.rows.set(row.id, row);
    for (const { queue, call, request } of group.readyPut)
      nested(this.ready, queue).set(call, request);
    for (const { queue, call } of group.readyGone) this.ready.get(queue)?.delete(call);
    for (const { scope, name, atMs } of group.timers) {
      if (atMs === null) this.timers.get(scope)?.delete(name);
      else nested(this.timers, scope).set(name, atMs);
    }
    for (const { id } of group.outbox) this.outbox.add(id);
    for (const id of group.outboxDone) this.outbox.delete(id);
  }
}

type StreamOpRest = Group["streams"][number] extends infer O
  ? O extends { stream: string }
    ? Omit<O, "stream">
    : never
  : never;

function nested<K, V>(outer: Map<K, Map<string, V>>, key: K): Map<string, V> {
  let inner = outer.get(key);
  if (inner === undefined) {
    inner = new Map();
    outer.set(key, inner);
  }
  return inner;
}
