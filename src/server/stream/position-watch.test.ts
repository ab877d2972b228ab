import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { formatId } from "../../core/ids.ts";
import { zeroTask } from "../../core/task/state.ts";
import { taskView, type TaskView } from "../../core/task/view.ts";
import { PositionWatch } from "./position-watch.ts";

const taskId = formatId("task", 0, new Uint8Array(10));
const silent = { info: () => {}, error: () => {} };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const cause = { code: "slot_busy" } as const;

function view(reason: TaskView["reason"]): TaskView {
  const state = zeroTask(taskId);
  state.spec = {
    type: "chat",
    userId: "u1",
    input: null,
    queue: "chat",
    priority: "interactive",
    rootId: taskId,
  };
  return { ...taskView(state), reason };
}
const waiting = (): TaskView => view({ code: "slot", message: "waits" });

/** A watch over a line whose places are taken from `places`, one for each look. */
function watchOver(places: (number | null)[]): { watch: PositionWatch; looks: () => number } {
  let looks = 0;
  const watch = new PositionWatch(() => {
    looks += 1;
    const position = places.length > 1 ? places.shift() : places[0];
    return Promise.resolve(position ? { position, estimate: null, cause } : null);
  }, silent);
  return { watch, looks: () => looks };
}

test("[SSE4] a place is told when it is known and when it changes, looked up once for all readers", async () => {
  const { watch, looks } = watchOver([5, 5, 3]);
  const told: number[][] = [[], []];
  const readers = told.map((places) =>
    watch.watch(taskId, ({ place }) => places.push(place.position)),
  );
  const state = waiting();
  for (const reader of readers) reader.saw(state);
  expect(looks()).toBe(0);
  await vi.advanceTimersByTimeAsync(300);
  expect([told, looks()]).toEqual([[[5], [5]], 1]);
  await vi.advanceTimersByTimeAsync(1_900);
  expect(looks()).toBe(1);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(told).toEqual([
    [5, 3],
    [5, 3],
  ]);
  expect(looks()).toBeLessThanOrEqual(4);
});

test("[SSE4] a task that does not wait costs no look, and one that is let go is looked at no more", async () => {
  const { watch, looks } = watchOver([1]);
  const reader = watch.watch(taskId, () => {});
  reader.saw(view(null));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(looks()).toBe(0);
  reader.saw(waiting());
  reader.saw(view(null));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(looks()).toBe(0);
  reader.saw(waiting());
  reader.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect([looks(), vi.getTimerCount()]).toEqual([0, 0]);
});

test("[SSE4] a reader that comes later is told at once, and a new state makes the same place news again", async () => {
  const { watch } = watchOver([2]);
  const first = watch.watch(taskId, () => {});
  const state = waiting();
  first.saw(state);
  await vi.advanceTimersByTimeAsync(300);
  const told: number[] = [];
  const late = watch.watch(taskId, ({ place: { position } }) => told.push(position));
  late.saw(state);
  expect(told).toEqual([2]);
  late.saw(waiting());
  await vi.advanceTimersByTimeAsync(2_500);
  expect(told).toEqual([2, 2]);
});

test("[SSE4] a failed look is not the end of looking", async () => {
  let fails = true;
  const errors: unknown[] = [];
  const log = { info: () => {}, error: (...words: unknown[]) => void errors.push(words) };
  const watch = new PositionWatch(
    () =>
      fails
        ? Promise.reject(new Error("busy"))
        : Promise.resolve({ position: 1, estimate: null, cause }),
    log,
  );
  const told: number[] = [];
  watch.watch(taskId, ({ place: { position } }) => told.push(position)).saw(waiting());
  await vi.advanceTimersByTimeAsync(300);
  expect([told, errors.length]).toEqual([[], 1]);
  fails = false;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(told).toEqual([1]);
  watch.close();
  expect(vi.getTimerCount()).toBe(0);
});
