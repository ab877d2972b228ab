import { afterEach, expect, test } from "vitest";

import { openNodeDriver } from "../node-sqlite/node-driver.ts";

const driver = openNodeDriver(":memory:");
driver.exec("CREATE TABLE note (text TEXT NOT NULL)");
const insert = driver.prepare("INSERT INTO note (text) VALUES (?)");
const select = driver.prepare("SELECT text FROM note");

afterEach(() => driver.exec("DELETE FROM note"));

test("[STORE17] an async callback is refused by the compiler, and at run time with nothing written", () => {
  expect(() =>
    // @ts-expect-error -- that this line does not compile is what is tested
    driver.transaction(async () => {
      insert.run("lost");
      await Promise.resolve();
    }),
  ).toThrow("callback of a transaction is async");
  expect(select.all()).toEqual([]);
});

test("[STORE17] a thenable in disguise is refused too", () => {
  const hidden: unknown = Promise.resolve();
  expect(() =>
    driver.transaction(() => {
      insert.run("lost");
      return hidden;
    }),
  ).toThrow("is async");
  expect(select.all()).toEqual([]);
});

test("[STORE1] a transaction gives its callback's answer, and leaves nothing when that throws", () => {
  const answer: number = driver.transaction(() => {
    insert.run("kept");
    return 7;
  });
  expect(answer).toBe(7);
  expect(() =>
    driver.transaction((): void => {
      insert.run("lost");
      throw new TypeError("undo");
    }),
  ).toThrow(new TypeError("undo"));
  expect(select.all()).toEqual([{ text: "kept" }]);
});

test("[STORE15] what SQLite refuses is an internal error with its cause", () => {
  expect(() => insert.run(null)).toThrow(
    expect.objectContaining({
      code: "internal",
      cause: expect.objectContaining({ message: expect.stringContaining("NOT NULL") }),
    }),
  );
  expect(() => driver.prepare("SELEC 1")).toThrow(expect.objectContaining({ code: "internal" }));
});
