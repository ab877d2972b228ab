import { fileURLToPath } from "node:url";

import { Passes, type Figures } from "../harness/figures.ts";
import { machineLine } from "../harness/machine.ts";
import { start } from "../harness/processes.ts";

/*
 * Deep backlog: submit and drain with much waiting, beside little.
 *
 *     node bench/backlog/run.ts [rounds] [depth,depth...]
 */
const rounds = Number(process.argv[2] ?? "3");
const depths = (process.argv[3] ?? "10000,1000000").split(",").map(Number);
const script = fileURLToPath(new URL("./pass.ts", import.meta.url));
const passes = new Passes();
process.stdout.write(machineLine());
for (let round = 0; round < rounds; round += 1) {
  for (const depth of depths) {
    const pass = await start(process.execPath, [script, String(depth)], /^figures (.*)/);
    const figures: Figures = JSON.parse(pass.said);
    await pass.kill();
    passes.add(String(depth), figures);
  }
}
process.stdout.write(passes.table());
const [shallow, deep] = [String(depths[0]), String(depths.at(-1))];
for (const figure of ["drainPerS", "submitP50Ms"])
  process.stdout.write(passes.ratio(figure, deep, shallow));
process.exit(0);
