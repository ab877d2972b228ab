import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";

test("a Durable Object keeps rows in SQLite and rolls a failed transaction back", async () => {
  const stub = env.TEST_OBJECT.getByName("sqlite");
  const rows = await runInDurableObject(stub, (_object, state) => {
    const { sql } = state.storage;
    sql.exec("create table note (id integer primary key, text text not null)");
    sql.exec("insert into note (text) values (?)", "kept");
    expect(() =>
      state.storage.transactionSync(() => {
        sql.exec("insert into note (text) values (?)", "lost");
        throw new Error("undo");
      }),
    ).toThrow("undo");
    return sql.exec("select id, text from note").toArray();
  });
  expect(rows).toEqual([{ id: 1, text: "kept" }]);
});

test("a test can run an alarm at once", async () => {
  const stub = env.TEST_OBJECT.getByName("alarm");
  await runInDurableObject(stub, (_object, state) => state.storage.setAlarm(Date.now() + 60_000));
  await expect(runDurableObjectAlarm(stub)).resolves.toBe(true);
});

// workerd wants the encoding of a string named, where Node takes UTF-8 unasked.
test("node:crypto seals and opens with aes-256-gcm", () => {
  const key = randomBytes(32);
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from("row 1"));
  const sealed = Buffer.concat([cipher.update("secret", "utf8"), cipher.final()]);
  const opener = createDecipheriv("aes-256-gcm", key, iv);
  opener.setAAD(Buffer.from("row 1")).setAuthTag(cipher.getAuthTag());
  expect(Buffer.concat([opener.update(sealed), opener.final()]).toString()).toBe("secret");
});
