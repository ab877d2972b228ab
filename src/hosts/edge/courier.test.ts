import { expect, test } from "vitest";

import type { Scope } from "../../core/scope.ts";
import { HomeCourier } from "./courier.ts";
import type { Mail } from "./home-call.ts";

const mail = (n: number, to: Scope = "user/ann"): Mail => ({ id: `m${n}`, to, body: { n } });

/** A network that a test lets through or breaks, call by call. */
function network() {
  const calls: {
    readonly home: Scope;
    readonly ids: readonly string[];
    readonly done: PromiseWithResolvers<void>;
  }[] = [];
  const courier = new HomeCourier(
    ({ to }) => to,
    (home, sent) => {
      const done = Promise.withResolvers<void>();
      calls.push({ home, ids: sent.map(({ id }) => id), done });
      return done.promise;
    },
  );
  return { courier, calls };
}

const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

test("[HOME3] messages of one turn go in one call, the next call waits for it, homes do not wait for each other", async () => {
  const { courier, calls } = network();
  const first = [courier.deliver(mail(1)), courier.deliver(mail(2))];
  const other = courier.deliver(mail(9, "queue/tasks"));
  await turn();
  const later = courier.deliver(mail(3));
  expect(calls.map(({ home, ids }) => [home, ids])).toEqual([
    ["user/ann", ["m1", "m2"]],
    ["queue/tasks", ["m9"]],
  ]);
  calls[1]?.done.resolve();
  await other;
  calls[0]?.done.resolve();
  await Promise.all(first);
  await turn();
  expect(calls[2]?.ids).toEqual(["m3"]);
  expect(courier.isBusy).toBe(true);
  calls[2]?.done.resolve();
  await later;
  await courier.settled("user/ann");
  expect(courier.isBusy).toBe(false);
});

test("[HOME3] nothing overtakes a message that failed: what comes later waits until it is given again", async () => {
  const { courier, calls } = network();
  const failing = [courier.deliver(mail(1)), courier.deliver(mail(2))];
  await turn();
  const behind = courier.deliver(mail(3));
  const outcomes = Promise.allSettled([...failing, behind]);
  calls[0]?.done.reject(new Error("the network broke"));
  expect((await outcomes).map(({ status }) => status)).toEqual([
    "rejected",
    "rejected",
    "rejected",
  ]);
  await expect(courier.deliver(mail(4))).rejects.toThrow("has not arrived yet");
  expect(calls).toHaveLength(1);
  // The outbox tries again, in its order.
  const again = [1, 2, 3, 4].map((n) => courier.deliver(mail(n)));
  await turn();
  expect(calls[1]?.ids).toEqual(["m1", "m2", "m3", "m4"]);
  calls[1]?.done.resolve();
  await Promise.all(again);
});

test("[HOME3] a burst goes in several calls, one after the other", async () => {
  const { courier, calls } = network();
  const all = Array.from({ length: 450 }, (_, n) => courier.deliver(mail(n)));
  for (const [index, size] of [200, 200, 50].entries()) {
    // oxlint-disable-next-line no-await-in-loop -- One call after the other is what is looked at.
    await turn();
    expect(calls).toHaveLength(index + 1);
    expect(calls[index]?.ids).toHaveLength(size);
    calls[index]?.done.resolve();
  }
  await Promise.all(all);
});
