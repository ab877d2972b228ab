import { describe, expect, test } from "vitest";
import type { TaskEvent } from "../../client/index.ts";
import { createEventBatch } from "./event-batch.ts";

function step(name: string): TaskEvent {
  return { type: "step", taskId: "1", name };
}

describe("a batch of events", () => {
  test("[WEB25] hands on the first at once, then what gathered, in order, and rests when nothing came", () => {
    const timers: (() => void)[] = [];
    const handed: string[] = [];
    const batch = createEventBatch(
      (_delayMs, callback) => {
        timers.push(callback);
        return () => {};
      },
      (events) =>
        handed.push(events.map((event) => (event.type === "step" ? event.name : "")).join("")),
    );
    batch.add(step("a"));
    expect(handed).toEqual(["a"]);
    batch.add(step("b"));
    batch.add(step("c"));
    expect(handed).toEqual(["a"]);
    timers.shift()?.();
    expect(handed).toEqual(["a", "bc"]);
    timers.shift()?.();
    expect(timers).toHaveLength(0);
    batch.add(step("d"));
    expect(handed).toEqual(["a", "bc", "d"]);
    batch.add(step("e"));
    batch.flush();
    expect(handed).toEqual(["a", "bc", "d", "e"]);
  });
});
