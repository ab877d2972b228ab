import { expect, test } from "vitest";

import type { StreamOp } from "../../ports/store.ts";
import { accepted, entries, group } from "../../../test/contracts/store-groups.ts";
import { openNodeDriver } from "../node-sqlite/node-driver.ts";
import type { Driver } from "./driver.ts";
import { openSqliteStore } from "./sqlite-store.ts";

function open(stream: string): StreamOp {
  return { op: "open", stream, epoch: 1 };
}

function append(stream: string, n: number): StreamOp {
  return { op: "append", stream, epoch: 1, ...entries(n, 1) };
}

function close(stream: string, tail: number): StreamOp {
  return { op: "close", stream, epoch: 1, blocks: tail === 0 ? [] : [entries(0, tail)] };
}

function rowsIn(driver: Driver): unknown {
  return driver.prepare("SELECT count(*) AS rows FROM stream_row").get()?.["rows"];
}

test("[STORE11] rows of closed streams are gone with the next write to a stream", () => {
  const driver = openNodeDriver(":memory:");
  const store = openSqliteStore(driver);
  const commit = (...streams: StreamOp[]): void =>
    expect(store.commit(group({ streams }))).toEqual(accepted);
  commit(open("a/1"), append("a/1", 0), append("a/1", 1));
  commit(close("a/1", 2));
  expect(rowsIn(driver)).toBe(2);
  commit(open("b/1"), append("b/1", 0));
  expect(rowsIn(driver)).toBe(1);
  expect(store.streamRead("a/1", 0, 9)).toEqual([entries(0, 2)]);
  expect(store.streamRead("b/1", 0, 9)).toEqual([entries(0, 1)]);
});

test("[STORE11] a stream that stays open does not keep the rows of a thousand closed ones", () => {
  const driver = openNodeDriver(":memory:");
  let store = openSqliteStore(driver);
  const commit = (...streams: StreamOp[]): void =>
    expect(store.commit(group({ streams }))).toEqual(accepted);
  commit(open("old/1"), append("old/1", 0), append("old/1", 1));
  let most = 0;
  for (let round = 0; round < 1_000; round += 1) {
    const stream = `s${round}/1`;
    commit(open(stream), ...Array.from({ length: 20 }, (_, n) => append(stream, n)));
    commit(append("old/1", round + 2), close(stream, 20));
    if (round % 50 === 0) most = Math.max(most, Number(rowsIn(driver)));
    if (round === 500) store = openSqliteStore(driver);
  }
  // 21,000 rows were written; 4,096 dead ones may wait, and some thousand more while the sweep catches up.
  expect(most).toBeLessThan(8_000);
  const numbers = (): number[] => store.streamRead("old/1", 0, 2_000).map((row) => row.n);
  expect(numbers()).toEqual(Array.from({ length: 1_002 }, (_, n) => n));
  store = openSqliteStore(driver);
  expect(numbers()).toEqual(Array.from({ length: 1_002 }, (_, n) => n));
  expect(store.streamHead("old/1")).toEqual({ epoch: 1, tail: 1_002, closed: false });
});

test("[STORE22] a body that rows share is stored once, and outlives the row that carries it", () => {
  const driver = openNodeDriver(":memory:");
  let store = openSqliteStore(driver);
  const commit = (...streams: StreamOp[]): void =>
    expect(store.commit(group({ streams }))).toEqual(accepted);
  const bodies = Array.from({ length: 40 }, (_, n) => entries(n, 1).body);
  commit(open("old/1"), open("older/1"));
  let most = 0;
  for (let round = 0; round < 600; round += 1) {
    const stream = `s${round}/1`;
    const body = bodies[round % 40] ?? new Uint8Array(1);
    const shares = (name: string, n: number): StreamOp => ({
      op: "append",
      stream: name,
      epoch: 1,
      n,
      count: 1,
      body,
      shared: true,
    });
    const rest = Array.from({ length: 30 }, (_, n) => append(stream, n + 1));
    commit(
      open(stream),
      shares("old/1", round),
      shares("older/1", round),
      shares(stream, 0),
      ...rest,
    );
    commit(close(stream, 31));
    if (round % 20 === 0) most = Math.max(most, Number(rowsIn(driver)));
  }
  // What closed streams carried for these two has been swept: each has taken a copy along.
  expect(most).toBeLessThan(8_000);
  const wanted = Array.from({ length: 600 }, (_, n) => ({
    n,
    count: 1,
    body: bodies[n % 40],
    shared: true,
  }));
  for (const handle of [store, (store = openSqliteStore(driver))]) {
    expect(handle.streamRead("old/1", 0, 999)).toEqual(wanted);
    expect(handle.streamRead("older/1", 0, 999)).toEqual(wanted);
  }
  const carried = driver.prepare(
    "SELECT count(*) AS rows FROM stream_row WHERE length(body) = 0 AND carrier <> id",
  );
  expect(Number(carried.get()?.["rows"])).toBeGreaterThan(100);
});

test("[STORE13] rows that a purged stream left behind are not those of a new stream with its name", () => {
  const driver = openNodeDriver(":memory:");
  const store = openSqliteStore(driver);
  const commit = (...streams: StreamOp[]): void =>
    expect(store.commit(group({ streams }))).toEqual(accepted);
  commit(open("old/1"), append("old/1", 0), open("a/1"), append("a/1", 0));
  driver.exec("DELETE FROM stream WHERE stream = 'a/1'");
  const again = openSqliteStore(driver);
  expect(again.streamHead("a/1")).toBeNull();
  expect(again.commit(group({ streams: [open("a/1")] }))).toEqual(accepted);
  expect(openSqliteStore(driver).streamHead("a/1")).toEqual({ epoch: 1, tail: 0, closed: false });
});

test("[STORE14] a stream opened before all other rows were swept keeps what it is given after a restart", () => {
  const driver = openNodeDriver(":memory:");
  const before = openSqliteStore(driver);
  before.commit(group({ streams: [open("a/1"), append("a/1", 0), append("a/1", 1)] }));
  before.commit(group({ streams: [close("a/1", 2)] }));
  before.commit(group({ streams: [open("b/1")] }));
  expect(rowsIn(driver)).toBe(0);
  openSqliteStore(driver).commit(group({ streams: [append("b/1", 0)] }));
  expect(openSqliteStore(driver).streamRead("b/1", 0, 9)).toEqual([entries(0, 1)]);
});

test("[STORE15] a stream of which a row is missing is reported and not shortened", () => {
  const driver = openNodeDriver(":memory:");
  const store = openSqliteStore(driver);
  store.commit(group({ streams: [open("a/1"), append("a/1", 0), append("a/1", 1)] }));
  driver.exec("DELETE FROM stream_row WHERE n = 0");
  expect(() => store.streamRead("a/1", 0, 9)).toThrow("is gone from the store");
  expect(() => openSqliteStore(driver)).toThrow("goes on with entry 1 where entry 0 must be");
});
