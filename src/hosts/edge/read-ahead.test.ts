import { expect, test } from "vitest";

import type { Delta, Models } from "../../ports/models.ts";
import { aheadCharsMax, readAhead } from "./read-ahead.ts";

const text = (said: string): readonly Delta[] => [{ type: "text", text: said }];
const call = { model: "m", messages: [] };

type Say = (signal: AbortSignal) => AsyncGenerator<readonly Delta[]>;

function modelsOf(say: Say): Models {
  return {
    stream: (_call, { signal }) => say(signal),
    list: () => Promise.resolve(["m"]),
    embed: () => Promise.resolve({ vectors: [[1]] }),
  };
}

function open(say: Say): AsyncIterator<readonly Delta[]> {
  const { signal } = new AbortController();
  return readAhead(modelsOf(say)).stream(call, { signal })[Symbol.asyncIterator]();
}

/** Lets everything that can go on go on. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => void setImmediate(resolve));
}

test("[HOME14] what comes while its reader is busy is read and given together, in order", async () => {
  const gate = Promise.withResolvers<void>();
  const reader = open(async function* () {
    for (const said of ["a", "b", "c"]) yield text(said);
    await gate.promise;
    yield text("d");
    yield [{ type: "finish", reason: "stop" }];
  });
  expect(await reader.next()).toEqual({ done: false, value: text("a") });
  await settle();
  expect(await reader.next()).toEqual({ done: false, value: [...text("b"), ...text("c")] });
  const waiting = reader.next();
  gate.resolve();
  expect((await waiting).value?.[0]).toEqual({ type: "text", text: "d" });
  await settle();
  expect(await reader.next()).toEqual({
    done: false,
    value: [{ type: "finish", reason: "stop" }],
  });
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test("[HOME14] a failure comes behind what was said before it", async () => {
  const reader = open(async function* () {
    yield text("a");
    yield text("b");
    await settle();
    throw new Error("broke off");
  });
  await reader.next();
  await settle();
  await settle();
  expect((await reader.next()).value).toEqual(text("b"));
  await expect(reader.next()).rejects.toThrow("broke off");
});

test("[HOME14] no more is read ahead than may wait", async () => {
  let made = 0;
  const reader = open(async function* () {
    for (; made < 100; made += 1) yield text("x".repeat(aheadCharsMax / 4));
  });
  await reader.next();
  await settle();
  expect(made).toBe(4);
  expect((await reader.next()).value).toHaveLength(4);
  await settle();
  expect(made).toBe(8);
});

test("[HOME14] who stops reading ends the call, although a read is under way", async () => {
  let aborted = false;
  const reader = open(async function* (signal) {
    yield text("a");
    await new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => {
        aborted = true;
        resolve();
      }),
    );
    signal.throwIfAborted();
  });
  await reader.next();
  await settle();
  expect(await reader.return?.()).toEqual({ done: true, value: undefined });
  expect(aborted).toBe(true);
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test("[HOME14] an answer that is whole ends its call by itself", async () => {
  let signalled: AbortSignal | null = null;
  const reader = open(async function* (signal) {
    signalled = signal;
    yield text("a");
  });
  await reader.next();
  expect((await reader.next()).done).toBe(true);
  await reader.return?.();
  expect(signalled).toMatchObject({ aborted: false });
});
