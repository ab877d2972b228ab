import { expect, test } from "vitest";

import { createSystemRandom } from "./random.ts";

test("[NODE3] bytes are filled in place, beyond the size of a pool too, and none is given twice", () => {
  const random = createSystemRandom();
  const seen = new Set<string>();
  for (let draw = 0; draw < 5_000; draw += 1) {
    const bytes = new Uint8Array(10);
    expect(random.bytes(bytes)).toBe(bytes);
    seen.add(bytes.join());
  }
  expect(seen.size).toBe(5_000);
  const large = random.bytes(new Uint8Array(100_000));
  expect(large.subarray(-64).every((byte) => byte === 0)).toBe(false);
});

test("[NODE3] doubles lie in [0, 1) and are spread over it", () => {
  const random = createSystemRandom();
  const counts = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 20_000; draw += 1) {
    const unit = random.unit();
    expect(unit >= 0 && unit < 1).toBe(true);
    const tenth = Math.floor(unit * 10);
    counts[tenth] = (counts[tenth] ?? 0) + 1;
  }
  // 2,000 expected each; 300 off is seven standard deviations.
  for (const count of counts) expect(Math.abs(count - 2_000)).toBeLessThan(300);
});
