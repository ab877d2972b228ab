import { expect, test } from "vitest";
import { hiddenMsMax, parkHidden } from "./park-hidden.ts";

test("[WEB60] a hidden page gives its streams back after a while and takes them up when it is looked at", () => {
  let look = (_visible: boolean): void => {};
  const timers = new Map<() => void, number>();
  const done: string[] = [];
  const stop = parkHidden(
    {
      onVisible(callback) {
        look = callback;
        return () => void done.push("unsubscribed");
      },
      after(delayMs, callback) {
        timers.set(callback, delayMs);
        return () => void timers.delete(callback);
      },
    },
    { park: () => done.push("park"), resume: () => done.push("resume") },
  );
  look(false);
  look(true);
  expect(timers.size).toBe(0);
  look(false);
  expect([...timers.values()]).toEqual([hiddenMsMax]);
  for (const [callback] of timers) callback();
  look(true);
  look(true);
  expect(done).toEqual(["park", "resume"]);
  look(false);
  stop();
  expect(done.at(-1)).toBe("unsubscribed");
});
