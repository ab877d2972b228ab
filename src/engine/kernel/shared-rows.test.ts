import { expect, test } from "vitest";

import { plainCipher } from "../../adapters/aes-cipher/plain-cipher.ts";
import { openRow, sealAppends, type Append } from "./shared-rows.ts";

const append = (stream: string, n: number, json: string, user = "ann"): Append => ({
  user,
  stream,
  epoch: 1,
  n,
  count: 1,
  json,
});

function appended(appends: readonly Append[]) {
  return sealAppends(plainCipher, appends).flatMap((op) => (op.op === "append" ? [op] : []));
}

test("[SEAL11] at most 16 rows share a body, and each of them opens to its own text", () => {
  const appends = Array.from({ length: 35 }, (_, at) => append(`t${at}/1`, at, `["ü\\n${at}"]`));
  const ops = appended(appends);
  const shares = Map.groupBy(ops, (op) => op.body);
  expect([...shares.values()].map((rows) => rows.length)).toEqual([16, 16, 3]);
  for (const [at, op] of ops.entries())
    expect(openRow(plainCipher, op.stream, op)).toBe(appends[at]?.json);
});

test("[SEAL11] a row alone, a long row and rows of several users share nothing with others", () => {
  const long = `["${"x".repeat(3_000)}"]`;
  const ops = appended([
    append("a/1", 0, "[1]"),
    append("b/1", 0, long),
    append("c/1", 0, "[2]", "bob"),
  ]);
  expect(ops.map((op) => [op.stream, op.shared])).toEqual([
    ["b/1", undefined],
    ["a/1", undefined],
    ["c/1", undefined],
  ]);
  expect(new Set(ops.map((op) => op.body)).size).toBe(3);
});

test("[SEAL2] a shared body on a row that it does not name does not open", () => {
  const [first] = appended([append("a/1", 7, "[1]"), append("b/1", 0, "[2]")]);
  if (first === undefined) return expect.fail("nothing was sealed");
  for (const [stream, n] of [
    ["a/1", 8],
    ["b/1", 7],
    ["a/2", 7],
  ] as const)
    expect(() => openRow(plainCipher, stream, { ...first, n })).toThrow("belongs elsewhere");
});
