/** One request of the demonstration. Times are of one clock, in milliseconds. */
export interface Request {
  readonly person: string;
  readonly askedMs: number;
  /** When its first word came; `null`: not yet. */
  firstMs: number | null;
  endMs: number | null;
}

/**
 * How long each finished request would have waited on one slot that serves in order of arrival. Each is taken to hold
 * the slot as long as it did: `ttftMs` until its first word, and on to its end.
 */
export function orderOfArrival(
  requests: readonly Request[],
  ttftMs: number,
): readonly { readonly person: string; readonly waitMs: number }[] {
  let freeMs = 0;
  return requests
    .toSorted((a, b) => a.askedMs - b.askedMs)
    .flatMap(({ person, askedMs, firstMs, endMs }) => {
      if (firstMs === null || endMs === null) return [];
      const beginsMs = Math.max(freeMs, askedMs);
      freeMs = beginsMs + ttftMs + (endMs - firstMs);
      return [{ person, waitMs: beginsMs + ttftMs - askedMs }];
    });
}
