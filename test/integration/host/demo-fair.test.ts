import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { orderOfArrival } from "../../../examples/fair/order-of-arrival.ts";

const demo = fileURLToPath(new URL("../../../examples/fair/run.ts", import.meta.url));

test("[QUEUE1] the demonstration answers everybody and shows who waited how long", async () => {
  const child = spawn(process.execPath, [demo, "6", "2", "200"]);
  let out = "";
  child.stdout.on("data", (chunk) => (out += String(chunk)));
  const [code] = (await once(child, "close")) as [number | null];
  expect(code).toBe(0);
  expect(out).toMatch(/^flo, 6 at once +6 of 6 +\d+\.\d s/m);
  expect(out).toMatch(/^lea, now and then +2 of 2 +\d+\.\d s/m);
});

test("[QUEUE1] in order of arrival a request waits for all before it, and each as long as it was", () => {
  const request = (
    person: string,
    askedMs: number,
    firstMs: number | null,
    endMs: number | null,
  ) => ({
    person,
    askedMs,
    firstMs,
    endMs,
  });
  const requests = [
    request("b", 10, 20, 30),
    request("a", 0, 100, 150),
    request("c", 500, 501, 502),
    request("d", 600, null, null),
  ];
  expect(orderOfArrival(requests, 5)).toEqual([
    { person: "a", waitMs: 5 },
    { person: "b", waitMs: 50 },
    { person: "c", waitMs: 5 },
  ]);
});
