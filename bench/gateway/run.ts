import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { Passes, quantile, type Figures } from "../harness/figures.ts";
import { cpuUs, load, machineLine, pssMb, scratch } from "../harness/machine.ts";
import { freePort } from "../harness/ports.ts";
import { start, startErrand, type Running } from "../harness/processes.ts";
import { streamsOf, type Ask, type Seen } from "../streams/readers.ts";
import type { Load, Taken } from "./callers.ts";

/*
 * The OpenAI door as a gateway: a model over HTTP -> `POST /v1/chat/completions` -> SSE readers, beside Portkey, which
 * stores nothing, and beside the model itself. Then requests a second over a model that takes no time.
 *
 *     node bench/gateway/run.ts [rounds] [streams,streams...] [tokens]
 */
const rounds = Number(process.argv[2] ?? "5");
const sizes = (process.argv[3] ?? "1,100,500").split(",").map(Number);
const tokens = Number(process.argv[4] ?? "120");
const tokensPerSecond = 50;
const saturation = { callers: 64, ms: 3_000 };
const warmUpMs = 2_000;
const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A way to a model: through a gateway, or to the model itself. */
interface Way {
  readonly name: "direct" | "errand" | "portkey";
  readonly server: Running;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const dir = scratch("gateway");
const running: Running[] = [];
async function started(program: Promise<Running>): Promise<Running> {
  const now = await program;
  running.push(now);
  return now;
}

/** The three ways to one model. */
async function waysTo(model: Running, name: string): Promise<readonly Way[]> {
  const errand = await started(
    startErrand(`${dir.path}/${name}`, {
      ERRAND_MODEL_BASE_URL: model.said,
      ERRAND_MODEL_SLOTS: "600",
      ERRAND_CONFIG: beside("./errand.config.ts"),
    }),
  );
  const port = await freePort();
  const portkey = await started(
    start(
      process.execPath,
      [
        beside("../peers/node_modules/@portkey-ai/gateway/build/start-server.js"),
        "--headless",
        `--port=${port}`,
      ],
      /Ready for connections/,
      { env: { NODE_ENV: "production" } },
    ),
  );
  const toPortkey = {
    authorization: "Bearer bench",
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": model.said,
  };
  return [
    { name: "direct", server: model, url: model.said, headers: {} },
    { name: "errand", server: errand, url: `${errand.said}/v1`, headers: {} },
    {
      name: "portkey",
      server: portkey,
      url: `http://127.0.0.1:${port}/v1`,
      headers: toPortkey,
    },
  ];
}

async function told<T>(program: Running, message: Ask | Load): Promise<T> {
  program.child.send(message);
  const [answer]: T[] = await once(program.child, "message");
  if (answer === undefined) throw new Error("nothing was seen");
  return answer;
}

async function read(readers: Running, way: Way, streams: number): Promise<Figures> {
  const loadBefore = load();
  const { pid } = way.server;
  const before = cpuUs(pid);
  const { url, headers } = way;
  const seen = await told<Seen>(readers, {
    way: "direct",
    type: "",
    url,
    headers,
    streams,
    tokens,
  });
  for (const said of new Set(seen.why)) process.stderr.write(`dropped: ${said}\n`);
  return {
    firstP50Ms: quantile(seen.firstMs, 0.5),
    firstP99Ms: quantile(seen.firstMs, 0.99),
    delayP50Ms: quantile(seen.delayMs, 0.5),
    delayP99Ms: quantile(seen.delayMs, 0.99),
    usPerToken: (cpuUs(pid) - before) / (streamsOf({ streams }) * tokens),
    pssMb: pssMb(pid),
    dropped: seen.dropped,
    load: loadBefore,
  };
}

async function saturate(callers: Running, way: Way): Promise<Figures> {
  const loadBefore = load();
  const before = cpuUs(way.server.pid);
  const { url, headers } = way;
  const { perS, failed } = await told<Taken>(callers, { url, headers, ...saturation });
  const us = cpuUs(way.server.pid) - before;
  return { perS, usPerRequest: us / ((perS * saturation.ms) / 1_000), failed, load: loadBefore };
}

const clock = await started(
  start(
    process.execPath,
    [beside("../streams/clock-model.ts"), String(tokens), String(tokensPerSecond)],
    /listening (\S+)/,
  ),
);
const instant = await started(
  start(process.execPath, [beside("./instant-model.ts")], /listening (\S+)/),
);
const readers = await started(start(process.execPath, [beside("../streams/readers.ts")], /ready/));
const callers = await started(start(process.execPath, [beside("./callers.ts")], /ready/));
const paced = await waysTo(clock, "paced");
const atOnce = await waysTo(instant, "at-once");
const passes = new Passes();
process.stdout.write(machineLine());
for (let pass = 0; pass < 2; pass += 1) for (const way of paced) await read(readers, way, 200);
for (const { url, headers } of atOnce)
  await told<Taken>(callers, { url, headers, callers: saturation.callers, ms: warmUpMs });
for (let round = 0; round < rounds; round += 1) {
  for (const streams of sizes)
    for (const way of paced)
      passes.add(`${way.name} ${streams}`, await read(readers, way, streams));
  for (const way of atOnce) passes.add(`${way.name} at once`, await saturate(callers, way));
}
process.stdout.write(passes.table());
for (const streams of sizes)
  for (const way of ["errand", "portkey"])
    for (const figure of ["firstP50Ms", "firstP99Ms", "delayP50Ms", "delayP99Ms"])
      process.stdout.write(
        `added ${passes.difference(figure, `${way} ${streams}`, `direct ${streams}`)}`,
      );
process.stdout.write(passes.ratio("perS", "errand at once", "portkey at once"));
for (const program of running) await program.kill();
dir.remove();
process.exit(0);
