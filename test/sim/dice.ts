/** Seeded randomness of one simulated world: everything random in a run comes from one seed through these. */
export interface Dice {
  /** A double in [0, 1). */
  unit(): number;
  /** A whole number in [0, count). */
  below(count: number): number;
  /** A whole number in [least, most]. */
  between(least: number, most: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One of the items, which must not be empty. */
  pick<T>(items: readonly T[]): T;
  /** Fills `bytes` and returns it. */
  bytes(bytes: Uint8Array): Uint8Array;
}

/**
 * Dice for `purpose` of a seed. Each purpose has its own sequence, so that one more draw for the model does not
 * change what the scheduler draws. The generator is sfc32: 128 bits of state, the same numbers on every machine.
 */
export function rollDice(seed: number, purpose: string): Dice {
  let a = 0x9e3779b9;
  let b = seed | 0;
  let c = Math.floor(seed / 4_294_967_296) | 0;
  let d = 1;
  for (let at = 0; at < purpose.length; at += 1)
    a = (Math.imul(a, 31) + purpose.charCodeAt(at)) | 0;
  const word = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round += 1) word();
  const unit = (): number => word() / 4_294_967_296;
  const below = (count: number): number => Math.floor(unit() * count);
  return {
    unit,
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: (probability) => unit() < probability,
    pick(items) {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
    bytes(bytes) {
      for (let at = 0; at < bytes.length; at += 1) bytes[at] = word() & 255;
      return bytes;
    },
  };
}
