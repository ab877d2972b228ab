import { expect, test } from "vitest";

import { Alarm, type AlarmReasons } from "./alarm.ts";

function rig(reasons: Partial<AlarmReasons> = {}) {
  let atMs: number | null = null;
  let writes = 0;
  const errors: string[] = [];
  const alarm = new Alarm(
    {
      setAlarm: (at) => {
        atMs = at;
        writes += 1;
        return Promise.resolve();
      },
      deleteAlarm: () => {
        atMs = null;
        return Promise.resolve();
      },
    },
    {
      isWorking: () => false,
      isSending: () => false,
      purgeAtMs: () => null,
      ...reasons,
    },
    { info: () => undefined, error: (message) => void errors.push(message) },
  );
  return { alarm, errors, at: () => atMs, writes: () => writes };
}

const soon = (atMs: number | null, withinMs: number): void => {
  expect(atMs).not.toBeNull();
  expect(Number(atMs) - Date.now()).toBeLessThanOrEqual(withinMs);
  expect(Number(atMs) - Date.now()).toBeGreaterThan(withinMs - 5_000);
};

test("[HOME5] an alarm is set for the earliest reason, and a later one costs no row", () => {
  const { alarm, at, writes } = rig();
  alarm.arm(Date.now() + 60_000);
  soon(at(), 60_000);
  alarm.arm(Date.now() + 90_000);
  expect(writes()).toBe(1);
  alarm.expectWork();
  soon(at(), 30_000);
  alarm.look();
  expect(writes()).toBe(2);
});

test("[HOME5] while a handler works it rings every 30 s, while messages are under way every 5 s", async () => {
  let working = true;
  let sending = true;
  const { alarm, at } = rig({ isWorking: () => working, isSending: () => sending });
  alarm.look();
  soon(at(), 5_000);
  sending = false;
  await alarm.ring(() => Promise.resolve());
  soon(at(), 30_000);
  working = false;
  await alarm.ring(() => Promise.resolve());
  expect(at()).toBeNull();
});

test("[HOME5] an alarm that fails is told, and rings again instead of being given up by the platform", async () => {
  const { alarm, at, errors } = rig();
  await alarm.ring(() => Promise.reject(new Error("no luck")));
  expect(errors).toEqual(["an alarm could not be handled; it rings again"]);
  soon(at(), 5_000);
});

test("[HOME5] what changes while it rings is looked at in the end, once", async () => {
  const { alarm, at, writes } = rig();
  await alarm.ring(() => {
    alarm.arm(Date.now() + 1_000);
    alarm.arm(Date.now() + 20_000);
    return Promise.resolve();
  });
  soon(at(), 20_000);
  expect(writes()).toBe(1);
});
