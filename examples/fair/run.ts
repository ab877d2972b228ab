/**
 * Two people, one model with one slot. One of them asks forty things at once; the other asks something small now and
 * then. Shows live how long each waits for the first word, beside a queue that serves in order of arrival.
 *
 *     npm run demo:fair            (or: node examples/fair/run.ts [asked at once] [asked now and then] [every ms])
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startFakeModel } from "../../src/adapters/fake-model/fake-model.ts";
import { cursorStart } from "../../src/core/stream/cursor.ts";
import type { Engine } from "../../src/engine/index.ts";
import { readSettings } from "../../src/hosts/embedded/config.ts";
import { openEmbedded } from "../../src/hosts/embedded/embedded.ts";
import { orderOfArrival, type Request } from "./order-of-arrival.ts";

const [flood = 40, small = 8, everyMs = 2_500] = process.argv.slice(2).map(Number);
const ttftMs = 100;
const wordsOf = { flo: 30, lea: 10 } as const;
const redrawMs = 250;

type Person = keyof typeof wordsOf;

/** Asks for one answer and notes when its first word and its end came. */
async function ask(engine: Engine, person: Person, requests: Request[]): Promise<void> {
  const words = Array.from({ length: wordsOf[person] }, (_, n) => `word${n}`).join(" ");
  const request: Request = { person, askedMs: performance.now(), firstMs: null, endMs: null };
  requests.push(request);
  const { taskId } = await engine.submit(
    "generate",
    { prompt: `[[say ${words}]]` },
    { userId: person, priority: "interactive" },
  );
  await new Promise<void>((resolve) => {
    engine.feeds.follow(taskId, cursorStart, {
      push(events) {
        if (events.some(({ kind }) => kind === "token")) request.firstMs ??= performance.now();
      },
      upToDate: () => undefined,
      end: () => resolve(),
    });
  });
  request.endMs = performance.now();
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? "   -   " : `${(ms / 1_000).toFixed(1).padStart(5)} s`;
}

function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function rowOf(requests: readonly Request[], person: Person, title: string): string {
  const own = requests.filter((request) => request.person === person);
  const waits = own
    .flatMap(({ askedMs, firstMs }) => (firstMs === null ? [] : [firstMs - askedMs]))
    .toSorted((a, b) => a - b);
  const fifo = orderOfArrival(requests, ttftMs)
    .flatMap(({ person: who, waitMs }) => (who === person ? [waitMs] : []))
    .toSorted((a, b) => a - b);
  const done = own.filter(({ endMs }) => endMs !== null).length;
  const cells = [
    title.padEnd(18),
    `${String(done).padStart(3)} of ${String(own.length).padEnd(3)}`,
    seconds(quantile(waits, 0.5)),
    seconds(waits.at(-1)),
    seconds(quantile(fifo, 0.5)),
    seconds(fifo.at(-1)),
  ];
  return cells.join("   ");
}

function picture(requests: readonly Request[]): string {
  return [
    "Wait for the first word    answered      Errand: half     longest     in order of arrival: half   longest",
    rowOf(requests, "flo", `flo, ${flood} at once`),
    rowOf(requests, "lea", "lea, now and then"),
  ].join("\n");
}

/** In a terminal the table stays in its place; into a file it is written once, at the end. */
function draw(requests: readonly Request[]): void {
  if (process.stdout.isTTY) process.stdout.write(`\u001b[2J\u001b[H${picture(requests)}\n`);
}

const folder = mkdtempSync(join(tmpdir(), "errand-fair-"));
const model = await startFakeModel({ slots: 1, tokensPerSecond: 60, ttftMs });
const settings = await readSettings(
  { ERRAND_DATA_DIR: folder, ERRAND_MODEL_BASE_URL: model.baseUrl, ERRAND_CONFIG: undefined },
  folder,
);
const quiet = { info: () => undefined, error: console.error };
const embedded = await openEmbedded(settings, { log: quiet });
const { engine } = embedded;
const requests: Request[] = [];
const drawing = setInterval(() => draw(requests), redrawMs);
const flooding = Array.from({ length: flood }, () => ask(engine, "flo", requests));
const now: Promise<void>[] = [];
for (let n = 0; n < small; n += 1) {
  await new Promise((resolve) => setTimeout(resolve, everyMs));
  now.push(ask(engine, "lea", requests));
}
await Promise.all([...flooding, ...now]);
clearInterval(drawing);
draw(requests);
if (!process.stdout.isTTY) process.stdout.write(`${picture(requests)}\n`);
process.stdout.write(
  "\nThe right half is the same requests, each as long as it was, served in the order in which they came.\n",
);
await embedded.stop();
await model.close();
rmSync(folder, { recursive: true });
