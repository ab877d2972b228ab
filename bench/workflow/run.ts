import { Passes } from "../harness/figures.ts";
import { load, machineLine } from "../harness/machine.ts";
import { errand } from "./errand.ts";
import { restate } from "./restate.ts";

/*
 * Durable workflow a -> 10 x b side by side -> c, 12 journaled steps, 64 callers: Errand beside Restate.
 *
 *     node bench/workflow/run.ts [rounds]
 */

/** A system that runs the workflow. */
export interface Workflows {
  /** Runs one to its end and answers its result, which must be 55. */
  run(): Promise<number>;
  stop(): Promise<void>;
}

const callers = 64;
const warmMs = 1_500;
const passMs = 4_000;

async function perSecond(subject: Workflows, forMs: number): Promise<number> {
  const startMs = performance.now();
  let done = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() - startMs < forMs) {
      const result = await subject.run();
      if (result !== 55) throw new Error(`the workflow gave ${result}, not 55`);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (done / (performance.now() - startMs)) * 1_000;
}

const subjects = { errand, restate };
const rounds = Number(process.argv[2] ?? "5");
const passes = new Passes();
process.stdout.write(machineLine());
for (let round = 0; round < rounds; round += 1) {
  for (const [name, open] of Object.entries(subjects)) {
    const subject = await open();
    const loadBefore = load();
    await perSecond(subject, warmMs);
    passes.add(name, { workflowsPerS: await perSecond(subject, passMs), load: loadBefore });
    await subject.stop();
  }
}
process.stdout.write(passes.table());
process.stdout.write(passes.ratio("workflowsPerS", "errand", "restate"));
process.exit(0);
