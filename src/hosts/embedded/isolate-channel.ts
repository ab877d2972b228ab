/* oxlint-disable typescript/no-unsafe-type-assertion -- Both sides of the channel are this folder's own code, typed against each other. */
import { ErrandError, isErrorCode } from "../../core/errors.ts";
import { FatalError, RetryAfterError } from "../../engine/index.ts";

/** What crosses between a server and an isolated handler: plain data only, in both directions. */
export type Wire =
  | {
      readonly kind: "call";
      readonly id: number;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "thrown"; readonly id: number; readonly error: ThrownData }
  | { readonly kind: "abort"; readonly message: string };

/** An error as it crosses. */
export interface ThrownData {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly afterMs?: number;
}

/** An error as plain data; the classes that mean something to the engine keep their meaning. */
export function thrownData(thrown: unknown): ThrownData {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown) };
  const { name, message } = thrown;
  if (thrown instanceof ErrandError) return { name, message, code: thrown.code };
  if (thrown instanceof RetryAfterError) return { name, message, afterMs: thrown.afterMs };
  return { name, message };
}

/** The error that `thrownData` was made of. */
export function thrownFrom(data: ThrownData): Error {
  if (data.name === "ErrandError" && isErrorCode(data.code))
    return new ErrandError(data.code, data.message);
  if (data.name === "FatalError") return new FatalError(data.message);
  if (data.name === "RetryAfterError")
    return new RetryAfterError(data.message, { afterMs: data.afterMs ?? 0 });
  const error = new Error(data.message);
  error.name = data.name;
  return error;
}

/** One side of the channel: calls of the other side are answered by `methods`. */
export class Channel {
  readonly #send: (wire: Wire) => void;
  readonly #methods: Readonly<Record<string, (...args: never[]) => unknown>>;
  readonly #waiting = new Map<
    number,
    { resolve(value: unknown): void; reject(error: Error): void }
  >();
  #next = 1;

  constructor(
    send: (wire: Wire) => void,
    methods: Readonly<Record<string, (...args: never[]) => unknown>>,
  ) {
    this.#send = send;
    this.#methods = methods;
  }

  /** Calls a method of the other side. */
  call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ kind: "call", id, method, args });
    });
  }

  /** Something came from the other side. */
  receive(wire: Wire): void {
    if (wire.kind === "call") void this.#answer(wire);
    else if (wire.kind === "answer") this.#settle(wire.id)?.resolve(wire.value);
    else if (wire.kind === "thrown") this.#settle(wire.id)?.reject(thrownFrom(wire.error));
  }

  /** The other side is gone: everything that waits for it fails. */
  fail(error: Error): void {
    for (const waiter of this.#waiting.values()) waiter.reject(error);
    this.#waiting.clear();
  }

  #settle(id: number): { resolve(value: unknown): void; reject(error: Error): void } | undefined {
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiter;
  }

  async #answer(wire: Extract<Wire, { kind: "call" }>): Promise<void> {
    try {
      const method = this.#methods[wire.method];
      if (method === undefined)
        throw new ErrandError(
          "internal",
          `an isolated handler called "${wire.method}", which is not there`,
        );
      // Both sides are this module's own code: the arguments are what the other side's caller was typed to give.
      this.#send({ kind: "answer", id: wire.id, value: await method(...(wire.args as never[])) });
    } catch (thrown) {
      this.#send({ kind: "thrown", id: wire.id, error: thrownData(thrown) });
    }
  }
}
