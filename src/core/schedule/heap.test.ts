import * as fc from "fast-check";
import { expect, test } from "vitest";

import { type HeapOrder, heapFix, heapPush, heapRemove } from "./heap.ts";

interface Item {
  key: number;
  readonly seq: number;
  index: number;
}

const order: HeapOrder<Item> = {
  before: (a, b) => a.key < b.key || (a.key === b.key && a.seq < b.seq),
  moved(item, index) {
    item.index = index;
  },
};

test("[QUEUE15] a heap gives its items in order and always knows where each stands", () => {
  const change = fc.record({
    what: fc.constantFrom("push", "push", "remove", "change"),
    which: fc.nat(),
    key: fc.integer({ min: 0, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80, size: "max" }), (changes) => {
      const heap: Item[] = [];
      let items: Item[] = [];
      for (const [seq, { what, which, key }] of changes.entries()) {
        const item = items[which % Math.max(1, items.length)];
        if (what === "push" || item === undefined) {
          const added = { key, seq, index: -1 };
          items.push(added);
          heapPush(heap, added, order);
        } else if (what === "remove") {
          heapRemove(heap, item.index, order);
          expect(item.index).toBe(-1);
          items = items.filter((one) => one !== item);
        } else {
          item.key = key;
          heapFix(heap, item.index, order);
        }
        expect(heap).toHaveLength(items.length);
        for (const one of items) expect(heap[one.index]).toBe(one);
      }
      const sorted = items.toSorted((a, b) => (order.before(a, b) ? -1 : 1));
      const popped: Item[] = [];
      for (let first = heap[0]; first !== undefined; first = heap[0]) {
        popped.push(first);
        heapRemove(heap, 0, order);
      }
      expect(popped).toEqual(sorted);
    }),
  );
});
