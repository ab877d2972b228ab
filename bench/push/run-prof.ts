import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { Passes, type Figures } from "../harness/figures.ts";
import { load, machineLine, scratch } from "../harness/machine.ts";
import { start, startErrand, type Running } from "../harness/processes.ts";
import type { Ask } from "./followers.ts";

/*
 * Live push: one task's feed to 1,000 followers, beside a plain SSE server that writes the same bytes.
 *
 *     node bench/push/run.ts [rounds] [followers]
 */
const rounds = Number(process.argv[2] ?? "5");
const followers = Number(process.argv[3] ?? "1000");
const messages = 200;
const env = { BENCH_MESSAGES: String(messages) };
const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

async function pass(readers: Running, url: string, go: () => Promise<unknown>): Promise<Figures> {
  const loadBefore = load();
  const ask: Ask = { url, followers, messages };
  readers.child.send(ask);
  await once(readers.child, "message");
  const [, [tookMs]] = await Promise.all([go(), once(readers.child, "message")]);
  return { messagesPerS: (followers * messages * 1_000) / Number(tookMs), load: loadBefore };
}

async function post(url: string, body: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json", "x-requested-with": "bench" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const text = await response.text();
  return text === "" ? null : JSON.parse(text);
}

async function ofErrand(server: Running, readers: Running): Promise<Figures> {
  const task = await post(`${server.said}/api/tasks`, { type: "speaker", input: {} });
  if (typeof task !== "object" || task === null || !("id" in task))
    throw new Error("no task was made");
  const url = `${server.said}/api/tasks/${String(task.id)}`;
  return await pass(readers, `${url}/stream`, () =>
    post(`${url}/event`, { name: "go", payload: null }),
  );
}

const dir = scratch("push");
const server = await startErrand(dir.path, { NODE_OPTIONS: "--cpu-prof --cpu-prof-dir=/tmp/pf/p4", ...env, ERRAND_CONFIG: beside("./errand.config.ts") });
const raw = await start(process.execPath, [beside("./raw-server.ts")], /listening (\S+)/, { env });
const readers = await start(process.execPath, [beside("./followers.ts")], /ready/);
const passes = new Passes();
process.stdout.write(machineLine());
for (let round = 0; round < rounds; round += 1) {
  passes.add("raw", await pass(readers, raw.said, () => post(raw.said, {})));
  passes.add("errand", await ofErrand(server, readers));
}
process.stdout.write(passes.table());
process.stdout.write(passes.ratio("messagesPerS", "errand", "raw"));


process.exit(0);
