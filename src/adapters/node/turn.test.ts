import { expect, test } from "vitest";

import { nextTurn } from "./turn.ts";

test("[NODE4] a task runs in a later turn, after this one's promises, in the order asked", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    nextTurn.later(() => order.push("first"));
    nextTurn.later(() => {
      order.push("second");
      resolve();
    });
    void Promise.resolve().then(() => order.push("promise"));
    order.push("now");
  });
  expect(order).toEqual(["now", "promise", "first", "second"]);
});
