import { Passes } from "../harness/figures.ts";
import { machineLine } from "../harness/machine.ts";
import { bullmq } from "./bullmq.ts";
import { errand } from "./errand.ts";
import { rawQueue } from "./raw-queue.ts";
import { measure, type Subject } from "./subject.ts";

/*
 * Durable no-op tasks: Errand beside BullMQ and the raw limits, in turn, so that all see the same machine.
 *
 *     node bench/throughput/run.ts [rounds] [subject,subject...]
 */
const subjects: Readonly<Record<string, () => Subject | Promise<Subject>>> = {
  raw: () => rawQueue({ turns: "three" }),
  "raw-joined": () => rawQueue({ turns: "two" }),
  errand: () => errand({ cipher: "aes" }),
  "errand-plain": () => errand({ cipher: "none" }),
  bullmq,
};

const rounds = Number(process.argv[2] ?? "5");
const names = process.argv[3]?.split(",") ?? Object.keys(subjects);
const passes = new Passes();
process.stdout.write(machineLine());
for (let round = 0; round < rounds; round += 1) {
  for (const name of names) {
    const subject = await subjects[name]?.();
    if (subject === undefined)
      throw new Error(
        `there is no subject "${name}"; there are: ${Object.keys(subjects).join(", ")}`,
      );
    passes.add(name, await measure(subject));
    await subject.stop();
  }
}
process.stdout.write(passes.table());
for (const figure of ["endToEndPerS", "submitPerS", "drainPerS", "idleStartMs", "idleDoneMs"]) {
  for (const name of ["errand", "errand-plain"]) {
    for (const to of ["bullmq", "raw", "raw-joined"])
      if (names.includes(name) && names.includes(to))
        process.stdout.write(passes.ratio(figure, name, to));
  }
}
process.exit(0);
