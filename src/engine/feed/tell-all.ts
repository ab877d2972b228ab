/** Gives news to every reader, also behind one that throws; what they threw is thrown when all have it. */
export function tellAll<T>(readers: Iterable<(news: T) => void>, news: T): void {
  const thrown: unknown[] = [];
  for (const give of readers) {
    try {
      give(news);
    } catch (error) {
      thrown.push(error);
    }
  }
  if (thrown.length > 0)
    throw new AggregateError(thrown, `${thrown.length} of the readers of a feed threw`);
}
