import * as fc from "fast-check";
import { expect, test } from "vitest";

import { formatId } from "../ids.ts";
import { hashPacked, packedWords, packId, samePacked, unpackTask } from "./packed-id.ts";

const bytes = fc.uint8Array({ minLength: 10, maxLength: 10 });

test("[QUEUE14] every id a task can have is packed and comes back the same", () => {
  fc.assert(
    fc.property(
      fc.nat(2 ** 45 - 1),
      bytes,
      fc.integer({ min: 1, max: 0x3fff_ffff }),
      (timeMs, random, number) => {
        const task = formatId("task", timeMs, random);
        const words = new Int32Array(2 * packedWords);
        expect(packId(`${task}.${number}`, words, packedWords)).toBe(true);
        expect([unpackTask(words, packedWords), words[2 * packedWords - 1]]).toEqual([
          task,
          number,
        ]);
      },
    ),
  );
});

test("[QUEUE14] different ids are packed differently", () => {
  const ids = fc.tuple(fc.nat(3), fc.uint8Array({ minLength: 10, maxLength: 10, max: 1 }));
  fc.assert(
    fc.property(ids, ids, (one, two) => {
      const words = new Int32Array(2 * packedWords);
      const calls = [one, two].map(([number, random]) => {
        return `${formatId("task", 1_700_000_000_000, random)}.${number + 1}`;
      });
      calls.forEach((call, index) => packId(call, words, index * packedWords));
      const same = calls[0] === calls[1];
      expect(samePacked(words, 0, words, packedWords)).toBe(same);
      if (same) expect(hashPacked(words, 0)).toBe(hashPacked(words, packedWords));
    }),
  );
});

const id = formatId("task", 1_700_000_000_000, new Uint8Array(10));

test.each([
  "",
  "a.1",
  id,
  `${id}.`,
  `${id}.0`,
  `${id}.01`,
  `${id}.1x`,
  `${id}.1073741824`,
  `${id}.-1`,
  `${id}x1`,
  `${id.slice(0, -1)}u.1`,
  `${id.slice(0, -1)}é.1`,
  `${id.slice(0, -1)}.1`,
  `${id}0.1`,
  `task_1${id.slice("task_0".length)}.1`,
  id.replace("task_0", "call_0"),
])("[QUEUE14] %j is not packed, because it would not come back the same", (call) => {
  expect(packId(call, new Int32Array(packedWords), 0)).toBe(false);
});
