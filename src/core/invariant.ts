/** Thrown by {@link invariant}: only a bug of Errand can cause it, never input and never the world. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/**
 * States what must be true here. A false condition is a bug in Errand: the kernel drops the scope's cached
 * state, answers the command with `internal` and reports it. Assertions stay on in production.
 */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Marks a branch that the types say cannot be reached. */
export function unreachable(value: never, what: string): never {
  throw new InvariantError(`unknown ${what}: ${JSON.stringify(value)}`);
}
