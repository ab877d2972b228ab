import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { accepted, append, group, opened, task } from "../../../test/contracts/store-groups.ts";
import { openSqliteStore } from "../sqlite/sqlite-store.ts";
import { checkSqliteVersion, openNodeDriver } from "./node-driver.ts";
import { databaseName, openNodeStore } from "./node-store.ts";

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "errand-driver-"));
});

afterEach(() => rmSync(dataDir, { recursive: true }));

test("[STORE20] a data folder has one writer: a second is told which folder is taken", () => {
  const first = openNodeStore(dataDir);
  expect(() => openNodeStore(dataDir)).toThrow(
    expect.objectContaining({
      code: "unavailable",
      message: expect.stringContaining(dataDir),
    }),
  );
  first.close();
  const second = openNodeStore(dataDir);
  second.close();
  // Closing twice is no error: a failed start closes what a shutdown closes again.
  second.close();
});

test.each(["3.51.2", "3.50.9", "2.99.0", "0"])("[STORE20] SQLite %s is refused", (version) => {
  expect(() => checkSqliteVersion(version)).toThrow(
    expect.objectContaining({ code: "unavailable" }),
  );
});

test.each(["3.51.3", "3.52.0", "4.0.0", process.versions["sqlite"] ?? ""])(
  "[STORE20] SQLite %s is taken",
  (version) => {
    expect(() => checkSqliteVersion(version)).not.toThrow();
  },
);

test("[STORE20] commits are flushed: the file is in WAL mode with synchronous=FULL", () => {
  const driver = openNodeDriver(join(dataDir, databaseName));
  expect(driver.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  expect(driver.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
  expect(driver.prepare("PRAGMA locking_mode").get()).toEqual({ locking_mode: "exclusive" });
  driver.close();
});

test("[STORE15] a full disk refuses the group whole, and the store goes on when there is room", () => {
  const driver = openNodeDriver(join(dataDir, databaseName));
  const store = openSqliteStore(driver);
  const small = group({ appends: [append("task/a", 1)], streams: opened("a/1", 1, [1]) });
  expect(store.commit(small)).toEqual(accepted);
  driver.exec("PRAGMA max_page_count = 60");
  const large = group({
    appends: [append("task/a", 2), { ...append("task/b", 1), body: new Uint8Array(400_000) }],
    tasks: [task(0)],
    streams: [{ op: "append", stream: "a/1", epoch: 1, n: 1, count: 1, body: new Uint8Array(9) }],
  });
  for (let attempt = 0; attempt < 3; attempt += 1) {
    expect(() => store.commit(large)).toThrow(
      expect.objectContaining({ code: "storage_full", cause: expect.any(Error) }),
    );
  }
  expect(store.load(["task/a", "task/b"]).map((scope) => scope.rows.length)).toEqual([1, 0]);
  expect(store.task(task(0).id)).toBeNull();
  expect(store.streamHead("a/1")).toEqual({ epoch: 1, tail: 1, closed: false });
  driver.exec("PRAGMA max_page_count = 1000000");
  expect(store.commit(large)).toEqual(accepted);
  expect(store.load(["task/a"])[0]?.rows.length).toBe(2);
  store.close();
});
