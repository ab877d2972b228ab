import { describe, expect, test } from "vitest";

import { runSeed, type SeedResult } from "./run-seed.ts";

/** Seeds of one test: few enough to say early that something broke. */
const seedsPerTest = 50;

/** States that are rare and must be met: a fault that no seed reaches proves nothing. Each with the share of seeds it needs. */
const rareStates: ReadonlyMap<string, number> = new Map([
  ["stale epoch fenced", 0.15],
  ["stale stream writer fenced", 0.01],
  ["stale stream writer refused by the store", 0.02],
  ["crash at a commit", 0.1],
  ["crash between two steps", 0.1],
  ["disk full", 0.08],
  ["reply lost", 0.15],
  ["submit replayed", 0.15],
  ["other body refused", 0.05],
  ["command sent twice", 0.2],
  ["message delivered twice", 0.1],
  ["cancel acknowledged", 0.15],
  ["segment aborted", 0.2],
  ["segment evicted", 0.15],
  ["task rehydrated", 0.2],
  ["task handed back", 0.05],
  ["attempt timed out", 0.05],
  ["model broken", 0.1],
  ["model refused", 0.05],
  ["model stalled", 0.05],
  ["stream reset", 0.1],
  ["streamed answer completed", 0.4],
  ["readers came back", 0.2],
  ["call cut", 0.1],
  ["cut call went on", 0.1],
  ["todo wish repeated", 0.06],
  ["operation undone", 0.04],
  ["reminder came", 0.08],
  ["question answered", 0.1],
  ["session summed up", 0.015],
  ["session moved", 0.02],
  ["part came again", 0.015],
  ["foreseen call given back", 0.1],
]);

/** Text of what went wrong with a seed, and how to see it again. */
export function failureText({ seed, failure, tail }: SeedResult): string {
  const last = tail.map((line) => `  ${line.slice(0, 240)}`).join("\n");
  return `seed ${seed} broke "${failure?.rule ?? ""}"\n${failure?.message ?? ""}\nlast lines:\n${last}\nreplay: node test/sim/run.ts --seed ${seed}`;
}

/** Tests that run the seeds from `from` on, each twice. */
export function seedSuite(from: number, count: number): void {
  describe(`seeds ${from} to ${from + count - 1}`, () => {
    const reached = new Map<string, number>();

    for (let first = from; first < from + count; first += seedsPerTest) {
      const last = first + seedsPerTest - 1;
      test(`[SIM1] worlds ${first} to ${last} keep every promise, and each is the same when it runs again`, async () => {
        for (let seed = first; seed <= last; seed += 1) {
          const result = await runSeed(seed);
          if (result.failure !== null) expect.fail(failureText(result));
          expect((await runSeed(seed)).hash, `trace of seed ${seed}`).toBe(result.hash);
          for (const mark of result.marks.keys()) reached.set(mark, (reached.get(mark) ?? 0) + 1);
        }
      });
    }

    test("[SIM4] every rare state was met in enough of them", () => {
      for (const [state, share] of rareStates) {
        expect(reached.get(state) ?? 0, state).toBeGreaterThanOrEqual(share * count);
      }
    });
  });
}
