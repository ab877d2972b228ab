import { bullmq } from "./bullmq.ts";
import { measure, median, type Figures, type Subject } from "./load.ts";
import { rawQueue } from "./raw-queue.ts";

/** Durable no-op tasks: Errand beside BullMQ and the raw limit, in turn, so that all see the same machine. */
const subjects: Readonly<Record<string, () => Subject | Promise<Subject>>> = {
  raw: rawQueue,
  errand: async () => (await import("./errand.ts")).errand({ cipher: "aes" }),
  "errand-plain": async () => (await import("./errand.ts")).errand({ cipher: "none" }),
  bullmq,
};

const rounds = Number(process.argv[2] ?? "5");
const only = process.argv[3]?.split(",") ?? Object.keys(subjects);
const figures = new Map<string, Figures[]>();
for (let round = 1; round <= rounds; round += 1) {
  for (const name of only) {
    const open = subjects[name];
    if (open === undefined)
      throw new Error(
        `there is no subject "${name}"; there are: ${Object.keys(subjects).join(", ")}`,
      );
    const subject = await open();
    const pass = await measure(subject);
    await subject.stop();
    figures.set(name, [...(figures.get(name) ?? []), pass]);
    process.stdout.write(
      `round ${round} ${name}: ${JSON.stringify(pass, (_key, value: unknown) => (typeof value === "number" ? Number(value.toFixed(value > 100 ? 0 : 2)) : value))}\n`,
    );
  }
}
const fields = ["endToEndPerS", "submitPerS", "idleStartMs", "idleDoneMs"] as const;
process.stdout.write(
  `\n| subject | ${fields.join(" | ")} |\n| --- |${fields.map(() => " --- |").join("")}\n`,
);
for (const [name, passes] of figures) {
  const cells = fields.map((field) => {
    const values = passes.map((pass) => pass[field]);
    const digits = (value: number): string => value.toFixed(value > 100 ? 0 : 2);
    return `${digits(median(values))} [${digits(Math.min(...values))}-${digits(Math.max(...values))}]`;
  });
  process.stdout.write(`| ${name} | ${cells.join(" | ")} |\n`);
}
process.exit(0);
