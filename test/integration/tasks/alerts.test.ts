/** Alerts of an engine in this process, whose clock the test moves. */
import { expect, test } from "vitest";

import { alertNoteOf, alertsDefault, alertTask, AlertWatch } from "../../../src/tasks/index.ts";
import type { Engine } from "../../../src/engine/index.ts";
import { openErrand } from "./open-errand.ts";

const settings = { ...alertsDefault, everyMs: 10, queueDepth: 2, stuckMs: null };
const retentionMs = 3_600_000;

async function watching(engine: Engine): Promise<AlertWatch> {
  const watch = new AlertWatch(engine, settings, (error) => {
    throw error;
  });
  await watch.recall();
  watch.start();
  return watch;
}

/** What was noted of alerts, to the end of its task, and is still there; oldest first. */
async function notes(engine: Engine): Promise<(string | undefined)[]> {
  const tasks = await engine.reader.tasksAll({ userId: null, types: ["alert"], limit: 100 });
  const ended = tasks.filter(({ completedAt }) => completedAt !== null);
  return ended.map(({ input }) => alertNoteOf(input)?.state).toReversed();
}

test("[ALERT2] an alert that lasts longer than tasks are kept fires once, over a crash too", async () => {
  let nowMs = Date.UTC(2026, 0, 1);
  const clock = { nowMs: () => nowMs };
  const options = { tasks: [alertTask], clock, retentionMs };
  const first = await openErrand(options);
  await first.engine.pauseQueue("tasks", true);
  for (const text of ["a", "b"]) await first.engine.submit("note", { text });
  const before = await watching(first.engine);
  await expect.poll(() => notes(first.engine)).toEqual(["fired"]);
  const { firedAt } = before.alerts[0]!;
  nowMs += retentionMs / 2;
  await expect.poll(() => notes(first.engine)).toEqual(["fired", "lasts"]);
  nowMs += retentionMs / 2 + 1;
  await expect.poll(() => notes(first.engine)).toEqual(["fired", "lasts", "lasts"]);
  first.engine.purge();
  expect(await notes(first.engine)).toEqual(["lasts", "lasts"]);
  before.stop();

  // Ids of one moment are in order within a process only, and notes are listed by theirs.
  nowMs += 1;
  const second = await openErrand({ ...options, store: await first.crash() });
  const after = await watching(second.engine);
  expect(after.alerts).toMatchObject([{ rule: "queue_depth", firedAt, clearedAt: null }]);
  await second.engine.pauseQueue("tasks", false);
  await expect.poll(() => notes(second.engine)).toEqual(["lasts", "lasts", "cleared"]);
  expect(after.alerts).toMatchObject([{ firedAt, clearedAt: expect.any(String) }]);
  after.stop();
  await second.close();
});
