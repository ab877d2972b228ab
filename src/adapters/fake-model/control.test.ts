import { describe, expect, test } from "vitest";

import { readControl } from "./control.ts";
import { embedText } from "./embedding.ts";
import { FaultQueue } from "./fault-queue.ts";
import { readFault } from "./faults.ts";
import { type Slot, Slots } from "./slots.ts";

const fault = (kind: string, times: number) => {
  const read = readFault(kind, { times });
  return typeof read === "string" ? expect.fail(read) : read;
};
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);

describe("control", () => {
  test("[MODEL20] a queued fault hits one request unless told otherwise", () => {
    const control = readControl({
      faults: [
        { kind: "cut", afterTokens: 3 },
        { kind: "stall", times: 2 },
      ],
      slots: 2,
    });
    expect(control).toMatchObject({
      slots: 2,
      faults: [
        { kind: "cut", afterTokens: 3, times: 1 },
        { kind: "stall", times: 2 },
      ],
    });
  });

  test.each([
    [[], "object"],
    [{ speed: 1 }, "speed"],
    [{ slots: -1 }, "slots"],
    [{ reset: 1 }, "reset"],
    [{ pace: { ttftMs: -1 } }, "ttftMs"],
    [{ pace: { tokensPerSecond: "fast" } }, "tokensPerSecond"],
    [{ faults: {} }, "array"],
    [{ faults: [1] }, "kind"],
    [{ faults: [{ kind: "x" }] }, "refuse"],
  ])("[MODEL20] %j is refused in words", (body, word) => {
    expect(readControl(body)).toContain(word);
  });
});

describe("which fault a request meets", () => {
  test("[MODEL20] queued ones come first and in order, each as often as it says", () => {
    const queue = new FaultQueue();
    queue.add([fault("cut", 2), fault("stall", 1)]);
    const kinds = Array.from({ length: 4 }, () => queue.take(1, undefined)?.kind);
    expect(kinds).toEqual(["cut", "cut", "stall", undefined]);
  });

  test("[MODEL20] a prompt's own fault is counted for each prompt", () => {
    const queue = new FaultQueue();
    const own = fault("cut", 1);
    const hits = [1, 1, 2, 2].map((hash) => queue.take(hash, own)?.kind);
    expect(hits).toEqual(["cut", undefined, "cut", undefined]);
    queue.clear();
    expect(queue.take(1, own)?.kind).toBe("cut");
  });
});

describe("slots", () => {
  test("[MODEL19] at most as many run as there are slots, the others in their order", () => {
    const slots = new Slots(2);
    const started: string[] = [];
    const held = new Map<string, Slot>();
    const acquire = (name: string): (() => void) =>
      slots.acquire((slot) => {
        started.push(name);
        held.set(name, slot);
      });
    const leaveC = ["a", "b", "c"].map(acquire)[2];
    acquire("d");
    expect([started, slots.waiting]).toEqual([["a", "b"], 2]);
    leaveC?.();
    held.get("a")?.release();
    held.get("a")?.release();
    expect([started, slots.waiting]).toEqual([["a", "b", "d"], 0]);
    acquire("e");
    slots.resize(3);
    expect(started).toEqual(["a", "b", "d", "e"]);
    expect(slots.runningMax).toBe(3);
  });
});

describe("embeddings", () => {
  test("[MODEL18] are deterministic, of length 1, and near for texts that share words", () => {
    const queue = embedText("a durable queue of tasks", 64);
    expect(embedText("a durable queue of tasks", 64)).toEqual(queue);
    expect(dot(queue, queue)).toBeCloseTo(1);
    expect(dot(queue, embedText("the durable queue", 64))).toBeGreaterThan(
      dot(queue, embedText("bananas and oranges", 64)),
    );
    expect(embedText("", 4)).toEqual([1, 0, 0, 0]);
  });
});
