/* oxlint-disable typescript/no-unsafe-type-assertion -- A generator is given back what its driver was asked for: each of
   the functions below yields one operation, and `perform` answers that operation. */
import type { Scope } from "../../core/scope.ts";
import type {
  AsyncStore,
  CommitResult,
  Group,
  KeyRow,
  LoadedScope,
  SyncStore,
} from "../../ports/store.ts";
import type { ReadyRequest } from "../../core/rows.ts";

/** What a dispatch may ask of the world while it runs. A driver performs it, at once or after a wait. */
export type StoreOp =
  | { readonly op: "load"; readonly scopes: readonly Scope[] }
  | {
      readonly op: "keys";
      readonly asked: readonly { userId: string; key: string }[];
      readonly nowMs: number;
    }
  | {
      readonly op: "ready";
      readonly queue: string;
      readonly afterSeq: number;
      readonly limit: number;
    }
  | { readonly op: "prepare"; readonly users: readonly string[] }
  | { readonly op: "commit"; readonly group: Group };

/** One dispatch as a generator: it yields operations and is given their answers. */
export type Dispatch<T> = Generator<StoreOp, T, unknown>;

/** Loads scopes; the answers are in the order asked. */
export function* load(scopes: readonly Scope[]): Dispatch<readonly LoadedScope[]> {
  return (yield { op: "load", scopes }) as readonly LoadedScope[];
}

/** Looks idempotency keys up. */
export function* keys(
  asked: readonly { userId: string; key: string }[],
  nowMs: number,
): Dispatch<readonly (KeyRow | null)[]> {
  return (yield { op: "keys", asked, nowMs }) as readonly (KeyRow | null)[];
}

/** Reads a page of a queue's pending calls. */
export function* ready(
  queue: string,
  afterSeq: number,
  limit: number,
): Dispatch<readonly { call: string; request: ReadyRequest }[]> {
  return (yield { op: "ready", queue, afterSeq, limit }) as readonly {
    call: string;
    request: ReadyRequest;
  }[];
}

/** Makes users' data keys ready, so that sealing needs no wait. */
export function* prepare(users: readonly string[]): Dispatch<void> {
  yield { op: "prepare", users };
}

/** Commits a group. */
export function* commit(group: Group): Dispatch<CommitResult> {
  return (yield { op: "commit", group }) as CommitResult;
}

/** What a driver needs. */
export interface DriverPorts {
  readonly store: SyncStore | AsyncStore;
  prepare(users: readonly string[]): Promise<void> | undefined;
}

function perform(ports: DriverPorts, op: StoreOp): unknown {
  switch (op.op) {
    case "load":
      return ports.store.load(op.scopes);
    case "keys":
      return ports.store.keys(op.asked, op.nowMs);
    case "ready":
      return ports.store.ready(op.queue, op.afterSeq, op.limit);
    case "prepare":
      return ports.prepare(op.users);
    case "commit":
      return ports.store.commit(op.group);
    default: {
      const never: never = op;
      return never;
    }
  }
}

/**
 * Runs a dispatch to its end: in one go while the store answers at once (SQLite, Durable Object), and from the
 * first promise on asynchronously (Postgres). A thrown storage error is thrown into the dispatch.
 */
export function drive<T>(dispatch: Dispatch<T>, ports: DriverPorts): T | Promise<T> {
  let step = dispatch.next();
  while (step.done !== true) {
    let answer: unknown;
    try {
      answer = perform(ports, step.value);
    } catch (error) {
      step = dispatch.throw(error);
      continue;
    }
    if (answer instanceof Promise) return driveAsync(dispatch, answer, ports);
    step = dispatch.next(answer);
  }
  return step.value;
}

async function driveAsync<T>(
  dispatch: Dispatch<T>,
  first: Promise<unknown>,
  ports: DriverPorts,
): Promise<T> {
  let pending: unknown = first;
  for (;;) {
    let step: IteratorResult<StoreOp, T>;
    try {
      step = dispatch.next(await pending);
    } catch (error) {
      // An error of `await` belongs to the dispatch; one it threw itself comes out of `throw` again.
      step = dispatch.throw(error);
    }
    if (step.done === true) return step.value;
    try {
      pending = perform(ports, step.value);
    } catch (error) {
      pending = Promise.reject(error);
    }
  }
}
