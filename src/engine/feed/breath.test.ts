import { expect, test } from "vitest";

import { Breath } from "./breath.ts";

/** A clock and an event loop in the test's hands. */
function loop(): { breath: Breath; at: (ms: number) => void; turn: () => Promise<void> } {
  let nowMs = 0;
  let later: (() => void)[] = [];
  const breath = new Breath({ nowMs: () => nowMs }, { later: (task) => void later.push(task) });
  return {
    breath,
    at: (ms) => {
      nowMs = ms;
    },
    turn: async () => {
      for (const task of later.splice(0)) task();
      await settled();
    },
  };
}

async function settled(): Promise<void> {
  for (let step = 0; step < 20; step += 1) await Promise.resolve();
}

test("[FEED2] backlogs of many readers are read in the order they came: some 10 ms of a turn, then one a turn", async () => {
  const { breath, at, turn } = loop();
  const read: string[] = [];
  let nowMs = 0;
  const reader = async (name: string): Promise<void> => {
    await breath.take();
    read.push(name);
    at((nowMs += 4));
  };
  const all: Promise<void>[] = [];
  const comes = async (name: string): Promise<void> => {
    all.push(reader(name));
    await settled();
  };
  for (const name of "abcdef") await comes(name);
  expect(read.join("")).toBe("abc");
  await turn();
  expect(read.join("")).toBe("abcd");
  await comes("g");
  expect(read.join("")).toBe("abcd");
  for (const so of ["abcde", "abcdef", "abcdefg"]) {
    await turn();
    expect(read.join("")).toBe(so);
  }
  await turn();
  await comes("h");
  expect(read.join("")).toBe("abcdefgh");
  await Promise.all(all);
});

test("[FEED2] one reader alone waits for nothing", async () => {
  const { breath } = loop();
  for (let page = 0; page < 1_000; page += 1) await breath.take();
  expect(breath).toBeDefined();
});
