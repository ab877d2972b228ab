import { expect, test } from "vitest";

import type { Scope } from "../../src/core/scope.ts";
import type { OutboxRow } from "../../src/ports/store.ts";
import {
  START_MS,
  accepted,
  append,
  bytes,
  key,
  put,
  refused,
  request,
  session,
  type WithStore,
} from "./store-groups.ts";

const a: Scope = "task/a";
const b: Scope = "task/b";

function message(id: string): OutboxRow {
  return { id, to: b, body: bytes(`body of ${id}`) };
}

/** Timers, outbox, keys, ready calls, sessions and data keys. */
export function storeRowContract(withStore: WithStore): void {
  test("[STORE4] due timers come earliest first, then by scope and name, at most as many as asked", () =>
    withStore(async ({ store }) => {
      await put(store, {
        timers: [
          { scope: b, name: "wake", atMs: START_MS + 1 },
          { scope: a, name: "wake", atMs: START_MS + 2 },
          { scope: a, name: "alarm", atMs: START_MS + 2 },
          { scope: a, name: "late", atMs: START_MS + 3 },
        ],
      });
      const due = [
        { scope: b, name: "wake", atMs: START_MS + 1 },
        { scope: a, name: "alarm", atMs: START_MS + 2 },
        { scope: a, name: "wake", atMs: START_MS + 2 },
      ];
      expect(await store.timersDue(START_MS + 2, 9)).toEqual(due);
      expect(await store.timersDue(START_MS + 2, 2)).toEqual(due.slice(0, 2));
      expect(await store.timersDue(START_MS, 9)).toEqual([]);
      expect(await store.timerNext()).toBe(START_MS + 1);
    }));

  test("[STORE4] a timer that is set again moves, and null removes it", () =>
    withStore(async ({ store }) => {
      await put(store, { timers: [{ scope: a, name: "wake", atMs: START_MS }] });
      await put(store, { timers: [{ scope: a, name: "wake", atMs: START_MS + 5 }] });
      expect(await store.timersDue(START_MS + 4, 9)).toEqual([]);
      expect(await store.timerNext()).toBe(START_MS + 5);
      await put(store, {
        timers: [
          { scope: a, name: "wake", atMs: null },
          { scope: b, name: "never set", atMs: null },
        ],
      });
      expect(await store.timerNext()).toBeNull();
    }));

  test("[STORE5] unsettled messages come oldest first and stay until they are done", () =>
    withStore(async ({ store }) => {
      await put(store, { outbox: [message("z#1.0"), message("a#1.0")] });
      await put(store, { outbox: [message("m#1.0")] });
      expect(await store.outbox(2)).toEqual([message("z#1.0"), message("a#1.0")]);
      await put(store, { outboxDone: ["z#1.0", "unknown"] });
      expect(await store.outbox(9)).toEqual([message("a#1.0"), message("m#1.0")]);
      await put(store, { outbox: [{ ...message("a#1.0"), body: bytes("other") }] });
      expect(await store.outbox(9)).toEqual([message("a#1.0"), message("m#1.0")]);
    }));

  test("[STORE6] a key is given once per user, and a second group with it is refused whole", () =>
    withStore(async ({ store }) => {
      await put(store, { keys: [key("k", 5), key("k", 5, "bob")] });
      const repeat = await put(store, { appends: [append(a, 1)], keys: [key("k", 9)] });
      expect(repeat).toEqual(refused({ keys: ["ann/k"] }));
      expect(await store.load([a])).toEqual([{ snapshot: null, rows: [] }]);
      expect(await put(store, { keys: [key("l", 5), key("l", 5)] })).toEqual(
        refused({ keys: ["ann/l"] }),
      );
    }));

  test("[STORE6] keys answers by position and hides what has expired", () =>
    withStore(async ({ store }) => {
      await put(store, { keys: [key("old", 1), key("new", 5)] });
      const asked = ["new", "none", "old"].map((name) => ({ userId: "ann", key: name }));
      expect(await store.keys(asked, START_MS)).toEqual([key("new", 5), null, key("old", 1)]);
      expect(await store.keys(asked, key("old", 1).expiresAtMs)).toEqual([
        key("new", 5),
        null,
        null,
      ]);
    }));

  test("[STORE6] a key that expired before the group's time is free again", () =>
    withStore(async ({ store }) => {
      await put(store, { keys: [key("k", 1)] });
      const at = (minutes: number): Promise<unknown> =>
        put(store, {
          appends: [{ ...append(a, 1), atMs: START_MS + minutes * 60_000 }],
          keys: [{ ...key("k", 9), ref: "second" }],
        });
      expect(await at(0.9)).toEqual(refused({ keys: ["ann/k"] }));
      expect(await at(1)).toEqual(accepted);
      expect(await store.keys([{ userId: "ann", key: "k" }], START_MS)).toEqual([
        { ...key("k", 9), ref: "second" },
      ]);
    }));

  test("[STORE6] a group without log rows says its time, and keys that have expired by then are free", () =>
    withStore(async ({ store }) => {
      await put(store, { keys: [key("k", 1)] });
      const at = (minutes: number): Promise<unknown> =>
        put(store, {
          atMs: START_MS + minutes * 60_000,
          keys: [{ ...key("k", 9), ref: "second" }],
        });
      expect(await at(0.9)).toEqual(refused({ keys: ["ann/k"] }));
      expect(await at(1)).toEqual(accepted);
      expect(await store.keys([{ userId: "ann", key: "k" }], START_MS)).toEqual([
        { ...key("k", 9), ref: "second" },
      ]);
    }));

  test("[STORE7] pending calls of a queue come by number, page by page", () =>
    withStore(async ({ store }) => {
      const calls = [5, 2, 9, 4].map((seq) => ({
        queue: "notes",
        call: `call-${seq}`,
        request: request(seq),
      }));
      await put(store, { readyPut: calls });
      await put(store, { readyPut: [{ queue: "other", call: "call-5", request: request(5) }] });
      const seqs = async (after: number, limit: number): Promise<number[]> =>
        (await store.ready("notes", after, limit)).map((row) => row.request.seq);
      expect(await seqs(0, 9)).toEqual([2, 4, 5, 9]);
      expect(await seqs(0, 2)).toEqual([2, 4]);
      expect(await seqs(4, 2)).toEqual([5, 9]);
      expect(await store.ready("notes", 5, 9)).toEqual([{ call: "call-9", request: request(9) }]);
    }));

  test("[STORE7] a call that is gone leaves its queue, and one that comes back has its new number", () =>
    withStore(async ({ store }) => {
      await put(store, {
        readyPut: [
          { queue: "notes", call: "x", request: request(1) },
          { queue: "notes", call: "y", request: request(2) },
        ],
      });
      await put(store, {
        readyGone: [
          { queue: "notes", call: "x" },
          { queue: "other", call: "y" },
          { queue: "notes", call: "never there" },
        ],
      });
      expect(await store.ready("notes", 0, 9)).toEqual([{ call: "y", request: request(2) }]);
      await put(store, {
        readyPut: [
          { queue: "notes", call: "x", request: request(3) },
          { queue: "notes", call: "y", request: request(4) },
        ],
      });
      expect(await store.ready("notes", 0, 9)).toEqual([
        { call: "x", request: request(3) },
        { call: "y", request: request(4) },
      ]);
    }));

  test("[STORE7] queues names every queue that has a log, also a trimmed one", () =>
    withStore(async ({ store }) => {
      await put(store, {
        appends: [
          append("queue/b", 1),
          append("queue/a", 1),
          append("task/c", 1),
          append("queue/a", 2),
        ],
        snapshots: [{ scope: "queue/b", seq: 1, body: bytes("state"), trim: true }],
      });
      expect([...(await store.queues())].toSorted()).toEqual(["a", "b"]);
    }));

  test("[STORE10] sessions come last touched first, only the user's own, before a time if asked", () =>
    withStore(async ({ store }) => {
      await put(store, {
        sessions: [
          session("one", 1),
          session("two", 2),
          session("three", 3),
          session("his", 9, "bob"),
        ],
      });
      const touched = { ...session("one", 4), activeTaskId: "task_x", title: bytes("new title") };
      await put(store, { sessions: [touched] });
      expect(await store.sessions("ann", null, 9)).toEqual([
        touched,
        session("three", 3),
        session("two", 2),
      ]);
      expect(await store.sessions("ann", null, 1)).toEqual([touched]);
      expect(await store.sessions("ann", session("three", 3).updatedAtMs, 9)).toEqual([
        session("two", 2),
      ]);
      expect(await store.sessions("eve", null, 9)).toEqual([]);
    }));

  test("[STORE10] the row of a deleted session goes", () =>
    withStore(async ({ store }) => {
      await put(store, { sessions: [session("one", 1), session("two", 2)] });
      await put(store, { sessions: [{ ...session("two", 3), deleted: true }] });
      expect(await store.sessions("ann", null, 9)).toEqual([session("one", 1)]);
      await put(store, { sessions: [session("two", 4)] });
      expect(await store.sessions("ann", null, 1)).toEqual([session("two", 4)]);
    }));

  test("[STORE16] a user's data key is stored once, and found by user and by number", () =>
    withStore(async ({ store }) => {
      expect(await store.wrappedKey("ann")).toBeNull();
      expect(await store.wrappedKeyById(1)).toBeNull();
      const first = await store.wrappedKeyPut("ann", bytes("first"));
      expect(first.wrapped).toEqual(bytes("first"));
      expect(await store.wrappedKeyPut("ann", bytes("second"))).toEqual(first);
      const system = await store.wrappedKeyPut("", bytes("system"));
      expect(system.id).not.toBe(first.id);
      expect(await store.wrappedKey("")).toEqual(system);
      expect(await store.wrappedKeyById(first.id)).toEqual({
        userId: "ann",
        wrapped: bytes("first"),
      });
      expect(await store.wrappedKeyById(system.id)).toEqual({
        userId: "",
        wrapped: bytes("system"),
      });
    }));
}
