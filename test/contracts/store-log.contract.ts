import { expect, test } from "vitest";

import type { Scope } from "../../src/core/scope.ts";
import type { LogAppend } from "../../src/ports/store.ts";
import {
  START_MS,
  accepted,
  append,
  bytes,
  entries,
  key,
  opened,
  put,
  refused,
  request,
  session,
  task,
  type AnyStore,
  type WithStore,
} from "./store-groups.ts";

const a: Scope = "task/a";
const b: Scope = "session/ann/chat";
const c: Scope = "queue/notes";

/** Logs, snapshots and the wholeness of a commit. */
export function storeLogContract(withStore: WithStore): void {
  test("[STORE1] a commit is seen by load as soon as it answered", () =>
    withStore(async ({ store }) => {
      expect(await put(store, { appends: [append(a, 1), append(b, 1, 3)] })).toEqual(accepted);
      expect(await store.load([b, a, c])).toEqual([
        { snapshot: null, rows: [rowOf(append(b, 1, 3))] },
        { snapshot: null, rows: [rowOf(append(a, 1))] },
        { snapshot: null, rows: [] },
      ]);
    }));

  test("[STORE1] a refused batch in the middle of a group leaves nothing of the whole group", () =>
    withStore(async ({ store }) => {
      await put(store, { appends: [append(b, 1)] });
      const everything = {
        appends: [append(a, 1), append(b, 1), append(c, 1)],
        snapshots: [{ scope: c, seq: 1, body: bytes("state"), trim: true }],
        tasks: [task(0)],
        sessions: [session("chat", 0)],
        readyPut: [{ queue: "notes", call: "call-1", request: request(1) }],
        timers: [{ scope: a, name: "wake", atMs: START_MS }],
        outbox: [{ id: "a#1.0", to: c, body: bytes("message") }],
        keys: [key("k", 5)],
        streams: opened("a/1", 1, [2]),
      };
      expect(await put(store, everything)).toEqual(refused({ conflicts: [b] }));
      expect(await store.load([a, b, c])).toEqual([
        { snapshot: null, rows: [] },
        { snapshot: null, rows: [rowOf(append(b, 1))] },
        { snapshot: null, rows: [] },
      ]);
      await expectNoRows(store);
      expect(
        await put(store, { ...everything, appends: [append(a, 1), append(b, 2), append(c, 1)] }),
      ).toEqual(accepted);
      expect(await store.task(task(0).id)).toEqual(task(0));
    }));

  test("[STORE1] a refusal names every scope, key and stream that was in the way", () =>
    withStore(async ({ store }) => {
      await put(store, {
        appends: [append(a, 1), append(b, 1)],
        keys: [key("k", 5)],
        streams: opened("a/1", 2, []),
      });
      const result = await put(store, {
        appends: [append(a, 1), append(b, 3), append(c, 1)],
        keys: [key("new", 5), key("k", 5)],
        streams: [...opened("a/1", 1, []), ...opened("b/1", 1, [])],
      });
      expect(result).toEqual(refused({ conflicts: [a, b], keys: ["ann/k"], fenced: ["a/1"] }));
    }));

  test("[STORE2] events are numbered from 1 without gaps, over rows of several events", () =>
    withStore(async ({ store, reopen }) => {
      expect(await put(store, { appends: [append(a, 2)] })).toEqual(refused({ conflicts: [a] }));
      expect(await put(store, { appends: [append(a, 1, 5)] })).toEqual(accepted);
      for (const seq of [1, 2, 5, 7]) {
        expect(await put(store, { appends: [append(a, seq)] })).toEqual(
          refused({ conflicts: [a] }),
        );
      }
      expect(await put(store, { appends: [append(a, 6)] })).toEqual(accepted);
      const again = await reopen();
      expect(await put(again, { appends: [append(a, 6)] })).toEqual(refused({ conflicts: [a] }));
      expect(await put(again, { appends: [append(a, 7)] })).toEqual(accepted);
    }));

  test("[STORE2] rows of one scope may follow each other in one group", () =>
    withStore(async ({ store }) => {
      expect(await put(store, { appends: [append(a, 1, 2), append(a, 3)] })).toEqual(accepted);
      expect(await put(store, { appends: [append(a, 4), append(a, 4)] })).toEqual(
        refused({ conflicts: [a] }),
      );
      expect(await put(store, { appends: [append(a, 4), append(a, 5)] })).toEqual(accepted);
    }));

  test("[STORE3] load answers the newest snapshot and the rows after it", () =>
    withStore(async ({ store, reopen }) => {
      await put(store, { appends: [append(a, 1, 2)] });
      await put(store, {
        appends: [append(a, 3)],
        snapshots: [{ scope: a, seq: 3, body: bytes("three"), trim: false }],
      });
      await put(store, { appends: [append(a, 4)] });
      const loaded = { snapshot: { seq: 3, body: bytes("three") }, rows: [rowOf(append(a, 4))] };
      expect(await store.load([a])).toEqual([loaded]);
      const again = await reopen();
      expect(await again.load([a])).toEqual([loaded]);
      await put(again, {
        appends: [append(a, 5)],
        snapshots: [{ scope: a, seq: 5, body: bytes("five"), trim: false }],
      });
      expect(await again.load([a])).toEqual([
        { snapshot: { seq: 5, body: bytes("five") }, rows: [] },
      ]);
    }));

  test("[STORE3] a trimmed log goes on where it was, also after a restart", () =>
    withStore(async ({ store, reopen }) => {
      await put(store, { appends: [append(a, 1, 4)] });
      await put(store, {
        appends: [append(a, 5)],
        snapshots: [{ scope: a, seq: 5, body: bytes("five"), trim: true }],
      });
      const again = await reopen();
      expect(await again.load([a])).toEqual([
        { snapshot: { seq: 5, body: bytes("five") }, rows: [] },
      ]);
      for (const seq of [1, 5, 7]) {
        expect(await put(again, { appends: [append(a, seq)] })).toEqual(
          refused({ conflicts: [a] }),
        );
      }
      expect(await put(again, { appends: [append(a, 6)] })).toEqual(accepted);
      expect(await again.load([a])).toEqual([
        { snapshot: { seq: 5, body: bytes("five") }, rows: [rowOf(append(a, 6))] },
      ]);
    }));

  test("[STORE3] a snapshot must stand at the scope's last event", () =>
    withStore(async ({ store }) => {
      await put(store, { appends: [append(a, 1, 4)] });
      for (const seq of [3, 5]) {
        const snapshots = [{ scope: a, seq, body: bytes("state"), trim: true }];
        expect(await put(store, { snapshots })).toEqual(refused({ conflicts: [a] }));
      }
      const snapshots = [{ scope: a, seq: 4, body: bytes("state"), trim: true }];
      expect(await put(store, { snapshots })).toEqual(accepted);
    }));

  test("[STORE3] bodies may be larger than a row of a Durable Object", () =>
    withStore(async ({ store, reopen }) => {
      const big = bigBody(5_000_000);
      const small = bytes("small");
      await put(store, {
        appends: [{ ...append(a, 1), body: big }],
        snapshots: [{ scope: a, seq: 1, body: big, trim: false }],
        outbox: [{ id: "a#1.0", to: b, body: big }],
        streams: [
          ...opened("a/1", 1, []),
          { op: "append", stream: "a/1", epoch: 1, n: 0, count: 1, body: big },
        ],
      });
      await put(store, { appends: [{ ...append(b, 1), body: big }, append(b, 2)] });
      const again = await reopen();
      expect(same((await again.load([a]))[0]?.snapshot?.body, big)).toBe(true);
      expect(same((await again.load([b]))[0]?.rows[0]?.body, big)).toBe(true);
      expect(same((await again.outbox(1))[0]?.body, big)).toBe(true);
      expect(same((await again.streamRead("a/1", 0, 1))[0]?.body, big)).toBe(true);
      await put(again, {
        snapshots: [{ scope: a, seq: 1, body: small, trim: true }],
        outboxDone: ["a#1.0"],
        streams: [
          { op: "close", stream: "a/1", epoch: 1, blocks: [{ n: 0, count: 1, body: big }] },
        ],
      });
      await put(again, { outbox: [{ id: "a#1.0", to: b, body: small }] });
      expect(await again.load([a])).toEqual([{ snapshot: { seq: 1, body: small }, rows: [] }]);
      expect(await again.outbox(9)).toEqual([{ id: "a#1.0", to: b, body: small }]);
      await put(again, { outboxDone: ["a#1.0"] });
      const snapshots = [{ scope: a, seq: 1, body: big, trim: true }];
      await put(again, { snapshots, outbox: [{ id: "a#1.0", to: b, body: big }] });
      expect(same((await again.load([a]))[0]?.snapshot?.body, big)).toBe(true);
      expect(same((await again.outbox(1))[0]?.body, big)).toBe(true);
      expect(same((await again.streamRead("a/1", 0, 1))[0]?.body, big)).toBe(true);
    }));

  test("[STORE14] everything is there for the next handle", () =>
    withStore(async ({ store, reopen }) => {
      await put(store, {
        appends: [append(a, 1), append(c, 1)],
        tasks: [task(0), task(1, { status: "waiting" })],
        sessions: [session("chat", 0)],
        readyPut: [{ queue: "notes", call: "call-1", request: request(1) }],
        timers: [{ scope: a, name: "wake", atMs: START_MS }],
        outbox: [{ id: "a#1.0", to: c, body: bytes("message") }],
        keys: [key("k", 5)],
        streams: opened("a/1", 1, [2, 3]),
      });
      const wrapped = await store.wrappedKeyPut("ann", bytes("wrapped"));
      const again = await reopen();
      expect(await again.load([a])).toEqual([{ snapshot: null, rows: [rowOf(append(a, 1))] }]);
      expect(await again.queues()).toEqual(["notes"]);
      expect(await again.tasks({ userId: "ann", limit: 9 })).toEqual([
        task(1, { status: "waiting" }),
        task(0),
      ]);
      expect(await again.tasksOpen("waiting", "", 9)).toEqual([task(1).id]);
      expect(await again.sessions("ann", null, 9)).toEqual([session("chat", 0)]);
      expect(await again.ready("notes", 0, 9)).toEqual([{ call: "call-1", request: request(1) }]);
      expect(await again.timersDue(START_MS, 9)).toEqual([
        { scope: a, name: "wake", atMs: START_MS },
      ]);
      expect(await again.outbox(9)).toEqual([{ id: "a#1.0", to: c, body: bytes("message") }]);
      expect(await again.keys([{ userId: "ann", key: "k" }], START_MS)).toEqual([key("k", 5)]);
      expect(await again.streamsOpen()).toEqual(["a/1"]);
      expect(await again.streamHead("a/1")).toEqual({ epoch: 1, tail: 5, closed: false });
      expect(await again.streamRead("a/1", 0, 9)).toEqual([entries(0, 2), entries(2, 3)]);
      expect(await again.wrappedKey("ann")).toEqual(wrapped);
    }));
}

function rowOf({ seq, count, atMs, body }: LogAppend): Omit<LogAppend, "scope"> {
  return { seq, count, atMs, body };
}

async function expectNoRows(store: AnyStore): Promise<void> {
  expect(await store.tasks({ userId: null, limit: 9 })).toEqual([]);
  expect(await store.task(task(0).id)).toBeNull();
  expect(await store.tasksOpen("queued", "", 9)).toEqual([]);
  expect(await store.sessions("ann", null, 9)).toEqual([]);
  expect(await store.ready("notes", 0, 9)).toEqual([]);
  expect(await store.queues()).toEqual([]);
  expect(await store.timerNext()).toBeNull();
  expect(await store.outbox(9)).toEqual([]);
  expect(await store.keys([{ userId: "ann", key: "k" }], START_MS)).toEqual([null]);
  expect(await store.streamHead("a/1")).toBeNull();
  expect(await store.streamsOpen()).toEqual([]);
}

/** Bytes of which no two stretches are alike, so that a lost or repeated part is noticed. */
function bigBody(size: number): Uint8Array {
  const body = new Uint8Array(size);
  const numbers = new DataView(body.buffer);
  for (let at = 0; at + 4 <= size; at += 4) numbers.setUint32(at, at);
  return body;
}

/** `toEqual` on megabytes takes seconds. */
function same(found: Uint8Array | undefined, wanted: Uint8Array): boolean {
  return found?.length === wanted.length && found.every((byte, at) => byte === wanted[at]);
}
