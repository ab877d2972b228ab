import { createHash } from "node:crypto";

import { expect, test } from "vitest";

import { openNodeDriver } from "../node-sqlite/node-driver.ts";
import { migrate, migrations } from "./migrations.ts";

/** Hashes of the steps that have shipped. A new step adds a line; a line that must change means a data folder breaks. */
const shipped: readonly string[] = ["e0bd25dca8010005", "1c15646a874ca707"];

test("[STORE21] a step of the schema that has shipped is never changed", () => {
  const hashes = migrations.map((sql) =>
    createHash("sha256").update(sql).digest("hex").slice(0, 16),
  );
  expect(hashes).toEqual(shipped);
});

test("[STORE21] the schema is made once, and a second start changes nothing", () => {
  const driver = openNodeDriver(":memory:");
  const version = (): unknown =>
    driver.prepare("SELECT value FROM meta WHERE name = 'schema'").get();
  const schema = (): unknown =>
    driver.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all();
  migrate(driver);
  const before = schema();
  expect(version()).toEqual({ value: migrations.length });
  migrate(driver);
  expect(schema()).toEqual(before);
});

test("[STORE21] a store of a newer version is refused and left as it is", () => {
  const driver = openNodeDriver(":memory:");
  migrate(driver);
  driver.exec(`UPDATE meta SET value = ${migrations.length + 1} WHERE name = 'schema'`);
  expect(() => migrate(driver)).toThrow(
    expect.objectContaining({
      code: "unavailable",
      message: expect.stringContaining("start the newer version"),
    }),
  );
});
