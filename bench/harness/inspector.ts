import { monitorEventLoopDelay } from "node:perf_hooks";

/*
 * Preloaded into a server under test: answers "numbers" from its parent with the delay of its event loop. A sample is
 * taken every 2 ms; what it is late is the delay.
 */
const everyMs = 2;
const delay = monitorEventLoopDelay({ resolution: everyMs });
delay.enable();

process.on("message", (asked) => {
  if (asked !== "numbers") return;
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - everyMs);
  process.send?.({ loopP99Ms: late(delay.percentile(99)), loopMaxMs: late(delay.max) });
  delay.reset();
});
// The bench may be gone: then nobody stops this server.
process.on("disconnect", () => process.exit());
