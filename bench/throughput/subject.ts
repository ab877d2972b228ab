import { median, type Figures } from "../harness/figures.ts";
import { load } from "../harness/machine.ts";

/** Callers that each wait for one thing before they ask for the next. */
export const callers = 64;

/** How long the end-to-end part of a pass lasts, in milliseconds. */
const passMs = 2_500;

/** Tasks of the idle latency part. */
const idleSamples = 200;

/** About 100 bytes of JSON, as the peers get it. */
export const payload: { readonly greeting: string; readonly pad: string } = {
  greeting: "hello",
  pad: "x".repeat(70),
};

/** One subject of the bench: what it can do, as the bench calls it. */
export interface Subject {
  /** Accepts one durable task and resolves when it is accepted. */
  submit(): Promise<unknown>;
  /** Accepts one and resolves when its completion is seen. */
  run(): Promise<unknown>;
  /** Like `run`; answers when the handler began, by `performance.now()`. */
  runTimed(): Promise<number>;
  /** Stops starting work, so that a submit is measured alone; or lets it go on. */
  pause(paused: boolean): Promise<void>;
  /** Lets everything that was submitted end. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Calls `one` from all callers for `forMs`; answers how many ended, and how many that is each second. */
async function rate(
  one: () => Promise<unknown>,
  forMs: number,
): Promise<{ readonly done: number; readonly perS: number }> {
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
  return { done, perS: (done / (performance.now() - startMs)) * 1_000 };
}

/** One pass of a subject. Its code is warm before it is timed, as a server's is. */
export async function measure(subject: Subject): Promise<Figures> {
  const loadBefore = load();
  await rate(() => subject.run(), 1_000);
  const { perS: endToEndPerS } = await rate(() => subject.run(), passMs);
  const starts: number[] = [];
  const ends: number[] = [];
  for (let sample = 0; sample < idleSamples; sample += 1) {
    const askedMs = performance.now();
    const startedMs = await subject.runTimed();
    ends.push(performance.now() - askedMs);
    starts.push(startedMs - askedMs);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await subject.pause(true);
  const { done, perS: submitPerS } = await rate(() => subject.submit(), 1_500);
  const drainStartMs = performance.now();
  await subject.pause(false);
  await subject.drain();
  const drainPerS = (done / (performance.now() - drainStartMs)) * 1_000;
  const [idleStartMs, idleDoneMs] = [median(starts), median(ends)];
  return { endToEndPerS, submitPerS, drainPerS, idleStartMs, idleDoneMs, load: loadBefore };
}
