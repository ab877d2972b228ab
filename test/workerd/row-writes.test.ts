import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";

import { createDurableObjectDriver } from "../../src/adapters/durable-object/durable-object-driver.ts";
import type { Driver } from "../../src/adapters/sqlite/driver.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/sqlite-store.ts";
import { taskScope } from "../../src/core/scope.ts";
import type { Group } from "../../src/ports/store.ts";
import { accepted, append, ended, group, request, task } from "../contracts/store-groups.ts";

/** A driver whose `run` statements add the rows that the platform bills to `written`. */
function countingDriver(storage: DurableObjectStorage, count: (rows: number) => void): Driver {
  const driver = createDurableObjectDriver(storage);
  return {
    ...driver,
    prepare: (text) => ({
      ...driver.prepare(text),
      run: (...params) => {
        const { rowsWritten } = storage.sql.exec(text, ...params);
        count(rowsWritten);
        return rowsWritten > 0;
      },
    }),
  };
}

test("[STORE19] a task costs two rows at its submit, two at its end, and one for each row of its log", async () => {
  await runInDurableObject(env.TEST_OBJECT.getByName("row writes"), (_object, state) => {
    let written = 0;
    const store = openSqliteStore(countingDriver(state.storage, (rows) => (written += rows)));
    const rowsOf = (parts: Partial<Group>): number => {
      written = 0;
      expect(store.commit(group(parts))).toEqual(accepted);
      return written;
    };
    const row = task(0);
    const scope = taskScope(row.id);
    expect(rowsOf({ appends: [append(scope, 1, 4)], tasks: [row] })).toBe(3);
    expect(rowsOf({ appends: [append(scope, 5)] })).toBe(1);
    expect(rowsOf({ appends: [append(scope, 6, 2)], tasks: [ended(row, 1)] })).toBe(3);

    const call = { queue: "notes", call: "call-1" };
    expect(rowsOf({ readyPut: [{ ...call, request: request(1) }] })).toBe(2);
    expect(rowsOf({ readyGone: [call] })).toBe(1);
  });
});
