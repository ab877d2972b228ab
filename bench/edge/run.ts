import { execFile } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { WebSocket } from "ws";

import {
  edgeFolder,
  startEdge,
  type EdgeProcess,
} from "../../test/integration/edge/wrangler-process.ts";
import { Passes, quantile, type Figures } from "../harness/figures.ts";
import { cpuUs, load, machineLine, pssMb } from "../harness/machine.ts";
import { start, type Running } from "../harness/processes.ts";
import { clockUs } from "../streams/clock.ts";
import type { Ask, Seen } from "../streams/readers.ts";

/*
 * The edge host on Cloudflare's local runtime (`wrangler dev`): what a session's object adds to a token, over its event
 * stream and over a WebSocket of its user's object; what 1,000 sessions weigh; how big the Worker is and how long its
 * start takes.
 *
 *     node bench/edge/run.ts [rounds] [streams,streams...] [sessions]
 */
const tokens = 120;
const tokensPerSecond = 50;
const rounds = Number(process.argv[2] ?? "3");
const sizes = (process.argv[3] ?? "1,20").split(",").map(Number);
const sessions = Number(process.argv[4] ?? "1000");
const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

async function post<T>(url: string, body: unknown): Promise<T> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- A bench trusts what it asks.
  return (await response.json()) as T;
}

async function read(readers: Running, ask: Ask): Promise<Figures> {
  const before = load();
  readers.child.send(ask);
  const [seen]: Seen[] = await once(readers.child, "message");
  if (seen === undefined) throw new Error("the readers saw nothing");
  for (const said of new Set(seen.why)) process.stderr.write(`dropped: ${said}\n`);
  return {
    firstP50Ms: quantile(seen.firstMs, 0.5),
    delayP50Ms: quantile(seen.delayMs, 0.5),
    delayP99Ms: quantile(seen.delayMs, 0.99),
    dropped: seen.dropped,
    load: before,
  };
}

/** One stream of a session's object, through a WebSocket of its user's. */
async function overSocket(url: string): Promise<Figures> {
  const before = load();
  const task = await post<{ id: string }>(`${url}/api/tasks`, {
    type: "generate",
    input: { prompt: "go" },
    sessionId: "socket",
  });
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/tasks?taskId=${task.id}`);
  const delayMs: number[] = [];
  const over = Promise.withResolvers<void>();
  socket.on("message", (data) => {
    const text = Buffer.isBuffer(data) ? data.toString() : "";
    const now = clockUs();
    if (text.includes('"type":"token"'))
      for (const [, at] of text.matchAll(/@(\d{16}) /g)) delayMs.push((now - Number(at)) / 1_000);
    if (text.includes('"t":"end"')) over.resolve();
  });
  socket.on("error", over.reject);
  await over.promise;
  socket.close();
  return {
    delayP50Ms: quantile(delayMs, 0.5),
    delayP99Ms: quantile(delayMs, 0.99),
    dropped: Math.max(0, tokens - delayMs.length),
    load: before,
  };
}

/** Processes of workerd: the edge's, and that of wrangler's proxy before it. */
function workerds({ groupId }: EdgeProcess): readonly number[] {
  const own = readdirSync("/proc").filter((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return stat.includes("(workerd)") && Number(fields[2]) === groupId;
    } catch {
      // No process, or one that has just ended.
      return false;
    }
  });
  return own.map(Number);
}

/** Memory of workerd, in megabytes. */
function workerdMb(edge: EdgeProcess): number {
  return workerds(edge).reduce((sum, pid) => sum + pssMb(pid), 0);
}

/** CPU time that workerd has used, in milliseconds: unlike a delay it does not depend on who else uses the machine. */
function workerdCpuMs(edge: EdgeProcess): number {
  return workerds(edge).reduce((sum, pid) => sum + cpuUs(pid) / 1_000, 0);
}

/** In an edge of its own, where no model answers: what is weighed are sessions. */
async function weigh(): Promise<void> {
  const own = await edgeFolder();
  const edge = await startEdge(own);
  try {
    await weighIn(edge);
  } finally {
    await edge.kill();
    await own.remove();
  }
}

async function weighIn(edge: EdgeProcess): Promise<void> {
  const say = (sessionId: string): Promise<unknown> =>
    post(`${edge.url}/api/chat/stream`, { message: "help", sessionId });
  for (let n = 0; n < 20; n += 1) await say(`warm${n}`);
  const before = workerdMb(edge);
  const startedMs = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let n = next++; n < sessions; n = next++) await say(`session${n}`);
    }),
  );
  const spentS = (performance.now() - startedMs) / 1_000;
  const after = workerdMb(edge);
  process.stdout.write(
    `${sessions} sessions with a turn each in ${spentS.toFixed(1)} s: workerd ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after, ${(after - before).toFixed(0)} MB for them\n`,
  );
}

async function startOf(): Promise<void> {
  const folder = await edgeFolder();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      beside("../../node_modules/wrangler/bin/wrangler.js"),
      "check",
      "startup",
      "--env=development",
      `--outfile=${join(folder.dir, "start.cpuprofile")}`,
      `--args=--assets=${folder.dir}`,
    ],
    { env: { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" } },
  );
  const lines = stdout.split("\n").filter((line) => /Bundle|Active|window/.test(line));
  process.stdout.write(`the Worker: ${lines.map((line) => line.slice(1).trim()).join("; ")}\n`);
  await folder.remove();
}

process.stdout.write(machineLine());
if (rounds > 0) await startOf();
const folder = await edgeFolder();
const model = await start(
  process.execPath,
  [beside("../streams/clock-model.ts"), String(tokens), String(tokensPerSecond)],
  /listening (\S+)/,
);
const readers = await start(process.execPath, [beside("../streams/readers.ts")], /ready/);
const edge = await startEdge(folder, {
  ERRAND_MODEL_BASE_URL: model.said,
  ERRAND_MODEL_SLOTS: "100",
});
try {
  const passes = new Passes();
  const ask = { type: "generate", tokens } as const;
  for (let round = 0; round < rounds; round += 1) {
    for (const streams of sizes) {
      const direct: Ask = { ...ask, way: "direct", url: model.said, streams };
      const inSession: Ask = {
        ...ask,
        way: "errand",
        url: edge.url,
        streams,
        session: `bench${round}-`,
      };
      passes.add(`model ${streams}`, await read(readers, direct));
      const beforeMs = workerdCpuMs(edge);
      const seen = await read(readers, inSession);
      const cpuMsPerToken = (workerdCpuMs(edge) - beforeMs) / (streams * tokens);
      passes.add(`session ${streams}`, { ...seen, cpuMsPerToken });
    }
    passes.add("socket 1", await overSocket(edge.url));
  }
  process.stdout.write(passes.table());
  for (const streams of sizes)
    for (const figure of ["firstP50Ms", "delayP50Ms"])
      process.stdout.write(passes.difference(figure, `session ${streams}`, `model ${streams}`));
} finally {
  await edge.kill();
  await readers.kill();
  await model.kill();
  await folder.remove();
}
if (sessions > 0) await weigh();
