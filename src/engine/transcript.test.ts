import { expect, test } from "vitest";

import { textOf, type Entry } from "../core/stream/entry.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { OpenStream } from "./kernel/open-stream.ts";
import { Transcript } from "./transcript.ts";

/** A transcript of a segment that finds `stored` on its attempt's stream, and what it adds. */
function takenOver(stored: readonly Entry[]): { transcript: Transcript; added: Entry[] } {
  const stream = new OpenStream("task_a/1", "ann", 2);
  stream.adopt([{ n: 0, count: stored.length, json: JSON.stringify(stored) }]);
  const added: Entry[] = [];
  const hold: Kernel["hold"] = (to, entries) => {
    to.append(entries);
    added.push(...entries);
  };
  const kernel: Pick<Kernel, "append" | "hold"> = {
    hold,
    append(to, entries) {
      hold(to, entries);
      return Promise.resolve();
    },
  };
  return { transcript: new Transcript(kernel as Kernel, stream), added };
}

const before: Entry[] = [
  { t: "text", d: "Well. " },
  { t: "call", op: "a", role: "chat", model: "m" },
  { t: "text", d: "first try" },
];

test.each([
  ["was cut off", before],
  ["had ended without its result", [...before, { t: "callEnd", op: "a", finish: "stop" }]],
] as const)(
  "[STREAM6] a call that %s takes back what it said when it starts again",
  async (_, stored) => {
    const { transcript, added } = takenOver(stored);
    transcript.begin("a", "chat", "m");
    await transcript.show([{ type: "text", text: "second try" }]);
    transcript.end("a", "stop");
    expect(added[0]).toEqual({ t: "reset", o: 6, reason: "the call starts again" });
    expect(textOf([...stored, ...added])).toBe("Well. second try");
  },
);

test("[STREAM6] a call that has ended is not shown again when its result is replayed", () => {
  const { transcript, added } = takenOver([...before, { t: "callEnd", op: "a", finish: "stop" }]);
  transcript.replay("a", "chat", { text: "first try", finish: "stop" });
  expect(added).toEqual([]);
});
