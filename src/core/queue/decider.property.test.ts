import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { QueueRun } from "../../../test/queue-run.ts";
import { beat, Story } from "../../../test/queue-story.ts";
import { queueDecider } from "./decider.ts";

const story = fc.array(beat, { maxLength: 90, size: "max" });

test("[QUEUE2, QUEUE3] slots and caps hold at every fact, no slot idles beside a call that may run, and every call ends", () => {
  fc.assert(
    fc.property(story, (beats) => {
      const told = new Story();
      for (const one of beats) told.live(one);
      told.end();
    }),
    { numRuns: 150 },
  );
});

test("[QUEUE5] every command that comes twice changes nothing the second time", () => {
  fc.assert(
    fc.property(story, (beats) => {
      const told = new Story();
      for (const one of beats) {
        const command = told.live(one);
        if (command === null || command.type === "voidLeases") continue;
        const before = told.run.fingerprint();
        // A settle that comes after the end of its call finds nothing; one that comes again later still does.
        expect(told.run.do(command)).toEqual([]);
        expect(told.run.fingerprint()).toBe(before);
      }
    }),
    { numRuns: 80 },
  );
});

test("[QUEUE4] however messages are shuffled and doubled, a task that settles what it does not want frees every slot", () => {
  const delivery = fc.record({ call: fc.nat(7), settle: fc.boolean(), key: fc.nat(2) });
  fc.assert(
    fc.property(fc.array(delivery, { maxLength: 60, size: "max" }), (deliveries) => {
      const told = new Story();
      for (const { call, settle, key } of deliveries) {
        const id = `late${call}.1`;
        const request = { ...requestOf(key), task: `late${call}`, root: `late${call}` };
        told.asked.set(id, told.asked.get(id) ?? request);
        told.run.nowMs += 10;
        told.run.do(
          settle
            ? { type: "settle", call: id }
            : { type: "request", call: id, request: told.asked.get(id)! },
        );
      }
      // The tasks have ended: each settles whatever it is granted.
      told.run.drain();
      expect(told.run.running()).toEqual([]);
      expect(told.run.waiting()).toEqual([]);
    }),
  );
});

test("[QUEUE14] snapshot, log and ready rows give back the queue that decided, at any point", () => {
  fc.assert(
    fc.property(story, fc.nat(90), fc.integer({ min: 1, max: 9 }), (beats, cut, pageSize) => {
      const told = new Story();
      let saved: unknown = null;
      let keep = 0;
      for (const [index, one] of beats.entries()) {
        if (index === cut) {
          saved = JSON.parse(JSON.stringify(queueDecider.snapshot!.save(told.run.state)));
          keep = told.run.log.length;
        }
        told.live(one);
      }
      const whole = told.run.recovered(null, 0, pageSize);
      expect(whole.fingerprint()).toBe(told.run.fingerprint());
      if (saved === null) return;
      const cutShort = told.run.recovered(saved, keep, pageSize);
      expect(cutShort.fingerprint()).toBe(told.run.fingerprint());
      goOn(told.run);
      goOn(whole);
      goOn(cutShort);
      expect(whole.log).toEqual(told.run.log);
      expect(cutShort.log).toEqual(told.run.log);
    }),
    { numRuns: 120 },
  );
});

test("[QUEUE15] the same commands at the same times give the same facts", () => {
  fc.assert(
    fc.property(story, (beats) => {
      const [first, second] = [new Story(), new Story()];
      for (const one of beats) {
        first.live(one);
        second.live(one);
      }
      expect(second.run.log).toEqual(first.run.log);
      expect(second.run.fingerprint()).toBe(first.run.fingerprint());
    }),
    { numRuns: 50 },
  );
});

/** The same end for every queue: everything is granted in its turn. */
function goOn(run: QueueRun): void {
  run.do({ type: "pause", paused: false });
  run.do({ type: "configure", settings: { slots: 2, slotsPerKey: 1 } });
  run.drain(1_700);
}

function requestOf(key: number) {
  return {
    type: "chat",
    key: `k${key}`,
    user: `k${key}`,
    weight: 1,
    band: 0 as const,
    cost: 1,
    capTotal: null,
    capPerKey: null,
  };
}
