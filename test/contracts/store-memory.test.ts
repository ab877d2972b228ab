import { expect, test as rule } from "vitest";

import { createMemoryStore } from "../../src/adapters/memory/memory-store.ts";
import { accepted, append, group, opened, task } from "./store-groups.ts";
import { storeContract } from "./store.contract.ts";

storeContract("memory", async (test) => {
  const store = createMemoryStore();
  let newest = store;
  await test({ store, reopen: () => (newest = newest.fork()) });
});

rule("[STORE14] a fork holds what was committed and goes its own way from there", () => {
  const store = createMemoryStore();
  store.commit(group({ appends: [append("task/a", 1)], streams: opened("a/1", 1, [2]) }));
  const fork = store.fork();
  const next = group({
    appends: [append("task/a", 2)],
    tasks: [task(0)],
    timers: [{ scope: "task/a", name: "wake", atMs: 1 }],
    streams: [
      {
        op: "close",
        stream: "a/1",
        epoch: 1,
        blocks: [{ n: 0, count: 2, body: new Uint8Array(1) }],
      },
    ],
  });
  expect(fork.commit(next)).toEqual(accepted);
  expect(store.load(["task/a"])[0]?.rows).toHaveLength(1);
  expect(store.task(task(0).id)).toBeNull();
  expect(store.timerNext()).toBeNull();
  expect(store.streamHead("a/1")).toEqual({ epoch: 1, tail: 2, closed: false });
  expect(store.streamRead("a/1", 0, 9)[0]?.body).not.toEqual(new Uint8Array(1));
  expect(store.commit(next)).toEqual(accepted);
});
