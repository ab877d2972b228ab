import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";

import { createDurableObjectDriver } from "../../src/adapters/durable-object/durable-object-driver.ts";

test("[STORE17] an async callback, which the platform would half commit, leaves nothing", async () => {
  await runInDurableObject(env.TEST_OBJECT.getByName("async callback"), (_object, state) => {
    const driver = createDurableObjectDriver(state.storage);
    driver.exec("CREATE TABLE note (text TEXT NOT NULL)");
    const insert = driver.prepare("INSERT INTO note (text) VALUES (?)");
    const hidden: unknown = Promise.resolve();
    expect(() =>
      driver.transaction(() => {
        insert.run("lost");
        return hidden;
      }),
    ).toThrow("callback of a transaction is async");
    expect(driver.prepare("SELECT text FROM note").all()).toEqual([]);
  });
});

test("[STORE15] what SQLite refuses is an internal error, and a full object says so", async () => {
  await runInDurableObject(env.TEST_OBJECT.getByName("errors"), (_object, state) => {
    const driver = createDurableObjectDriver(state.storage);
    driver.exec("CREATE TABLE note (text TEXT NOT NULL)");
    const insert = driver.prepare("INSERT INTO note (text) VALUES (?)");
    expect(() => insert.run(null)).toThrow(expect.objectContaining({ code: "internal" }));
    const sql = {
      exec: () => {
        throw new Error("database or disk is full: SQLITE_FULL");
      },
    };
    const full = createDurableObjectDriver(Object.create(state.storage, { sql: { value: sql } }));
    expect(() => full.prepare("INSERT INTO note (text) VALUES (?)").run("x")).toThrow(
      expect.objectContaining({ code: "storage_full" }),
    );
  });
});

test("[STORE3] bytes and numbers come back as they went in", async () => {
  await runInDurableObject(env.TEST_OBJECT.getByName("values"), (_object, state) => {
    const driver = createDurableObjectDriver(state.storage);
    const values = driver.prepare("SELECT ? AS bytes, ? AS whole, ? AS text, ? AS none");
    const part = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);
    expect(values.get(part, 2 ** 53 - 1, "ü", null)).toEqual({
      bytes: new Uint8Array([1, 2]),
      whole: 2 ** 53 - 1,
      text: "ü",
      none: null,
    });
  });
});
