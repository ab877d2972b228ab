import * as fc from "fast-check";
import { expect, test } from "vitest";

import { SlotIndex } from "./slot-index.ts";

test("[QUEUE14] the index finds what was added and not removed, also where many keys have one hash", () => {
  const step = fc.record({ slot: fc.nat(60), add: fc.boolean() });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 64 }),
      fc.array(step, { maxLength: 200 }),
      (kinds, steps) => {
        const hashOf = (slot: number): number => ((slot % kinds) << 8) >>> 0;
        const index = new SlotIndex({ hashOf });
        const there = new Set<number>();
        for (const { slot, add } of steps) {
          if (add === there.has(slot)) continue;
          if (add) index.add(slot);
          else index.remove(slot);
          if (add) there.add(slot);
          else there.delete(slot);
        }
        for (let slot = 0; slot <= 60; slot += 1) {
          const found = index.find(hashOf(slot), (other) => other === slot);
          expect(found).toBe(there.has(slot) ? slot : -1);
        }
        index.clear();
        expect(index.find(0, () => true)).toBe(-1);
      },
    ),
  );
});
