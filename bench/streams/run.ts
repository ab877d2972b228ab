import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { Passes, quantile, type Figures } from "../harness/figures.ts";
import { cpuUs, load, machineLine, pssMb, scratch } from "../harness/machine.ts";
import { inside, start, startErrand, type Running } from "../harness/processes.ts";
import { streamsOf, type Ask, type Seen } from "./readers.ts";

/*
 * Streams: a model over HTTP -> `errand serve` as shipped (sealed, every token on disk before it is shown) -> SSE
 * readers, each in a process of its own; beside it the same readers at the model itself, and the AI SDK path.
 *
 *     node bench/streams/run.ts [rounds] [streams,streams...]
 */
const tokens = 120;
const tokensPerSecond = 50;
/** Streams before anything is measured, twice on each path. */
const warmStreams = 200;
const warmPairs = 2;
const rounds = Number(process.argv[2] ?? "5");
const sizes = (process.argv[3] ?? "1,100,200,500").split(",").map(Number);
const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

interface Stage {
  readonly model: Running;
  readonly server: Running;
  readonly readers: Running;
}

async function read(stage: Stage, ask: Omit<Ask, "url" | "tokens">): Promise<Seen> {
  const url = ask.way === "direct" ? stage.model.said : stage.server.said;
  stage.readers.child.send({ ...ask, url, tokens });
  const [seen]: Seen[] = await once(stage.readers.child, "message");
  if (seen === undefined) throw new Error("the readers saw nothing");
  return seen;
}

/** One pass: what the readers saw, and what it cost the server. */
async function pass(stage: Stage, ask: Omit<Ask, "url" | "tokens">): Promise<Figures> {
  const loadBefore = load();
  const { pid } = stage.server;
  const before = cpuUs(pid);
  await inside(stage.server);
  const seen = await read(stage, ask);
  for (const said of new Set(seen.why)) process.stderr.write(`dropped: ${said}\n`);
  const usPerToken = (cpuUs(pid) - before) / (streamsOf(ask) * tokens);
  const { loopP99Ms, loopMaxMs } = await inside(stage.server);
  const seenByReaders = {
    firstP50Ms: quantile(seen.firstMs, 0.5),
    firstP99Ms: quantile(seen.firstMs, 0.99),
    delayP50Ms: quantile(seen.delayMs, 0.5),
    delayP99Ms: quantile(seen.delayMs, 0.99),
    dropped: seen.dropped,
  };
  if (ask.way === "direct") return { ...seenByReaders, load: loadBefore };
  return {
    ...seenByReaders,
    usPerToken,
    loopP99Ms,
    loopMaxMs,
    pssMb: pssMb(pid),
    load: loadBefore,
  };
}

const dir = scratch("streams");
const model = await start(
  process.execPath,
  [beside("./clock-model.ts"), String(tokens), String(tokensPerSecond)],
  /listening (\S+)/,
);
const server = await startErrand(dir.path, {
  ERRAND_MODEL_BASE_URL: model.said,
  ERRAND_MODEL_SLOTS: "600",
  ERRAND_CONFIG: beside("./errand.config.ts"),
});
const readers = await start(process.execPath, [beside("./readers.ts")], /ready/);
const stage = { model, server, readers };
const passes = new Passes();
process.stdout.write(machineLine());
// Until its code is compiled a server is another one: V8 waits for hundreds of streams before it compiles for good.
for (let pair = 0; pair < warmPairs; pair += 1) {
  await read(stage, { way: "errand", type: "generate", streams: warmStreams });
  await read(stage, { way: "errand", type: "sdk", streams: warmStreams });
}
for (let round = 0; round < rounds; round += 1) {
  for (const streams of sizes) {
    passes.add(`direct ${streams}`, await pass(stage, { way: "direct", type: "", streams }));
    passes.add(
      `errand ${streams}`,
      await pass(stage, { way: "errand", type: "generate", streams }),
    );
    passes.add(`ai-sdk ${streams}`, await pass(stage, { way: "errand", type: "sdk", streams }));
  }
}
process.stdout.write(passes.table());
for (const streams of sizes) {
  for (const way of ["errand", "ai-sdk"]) {
    for (const figure of ["firstP50Ms", "firstP99Ms", "delayP50Ms", "delayP99Ms"])
      process.stdout.write(
        `added ${passes.difference(figure, `${way} ${streams}`, `direct ${streams}`)}`,
      );
  }
}
for (const program of [readers, server, model]) await program.kill();
dir.remove();
process.exit(0);
