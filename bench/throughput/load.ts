/** Callers that each wait for one thing before they ask for the next. */
export const callers = 64;

/** How long one pass lasts, in milliseconds. */
export const passMs = 2_500;

/** About 100 bytes of JSON, as the peers get it. */
export const payload: { readonly greeting: string; readonly pad: string } = {
  greeting: "hello",
  pad: "x".repeat(70),
};

/** Calls `one` from 64 callers for a pass; answers how many ended each second. */
export async function ratePerSecond(
  one: () => Promise<unknown>,
  forMs: number = passMs,
): Promise<number> {
  const startMs = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() - startMs < forMs) {
        await one();
        done += 1;
      }
    }),
  );
  return (done / (performance.now() - startMs)) * 1_000;
}

/** Median of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Value below which a share of the numbers lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** One subject of a bench: what it can do, as the bench calls it. */
export interface Subject {
  /** Accepts one durable task and resolves when it is accepted. */
  submit(): Promise<unknown>;
  /** Accepts one and resolves when its completion is seen. */
  run(): Promise<unknown>;
  /** Like `run`; answers when the handler began, by `performance.now()`. */
  runTimed(): Promise<number>;
  /** Lets everything that was submitted end. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** What a pass of a subject gives. */
export interface Figures {
  readonly endToEndPerS: number;
  readonly submitPerS: number;
  readonly idleStartMs: number;
  readonly idleDoneMs: number;
}

/** Tasks of the idle latency pass. */
const idleSamples = 200;

/** Measures one pass of a subject. */
export async function measure(subject: Subject): Promise<Figures> {
  await ratePerSecond(() => subject.run(), 500);
  const endToEndPerS = await ratePerSecond(() => subject.run());
  const starts: number[] = [];
  const ends: number[] = [];
  for (let sample = 0; sample < idleSamples; sample += 1) {
    const askedMs = performance.now();
    const startedMs = await subject.runTimed();
    ends.push(performance.now() - askedMs);
    starts.push(startedMs - askedMs);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const submitPerS = await ratePerSecond(() => subject.submit(), 1_500);
  await subject.drain();
  return { endToEndPerS, submitPerS, idleStartMs: median(starts), idleDoneMs: median(ends) };
}
