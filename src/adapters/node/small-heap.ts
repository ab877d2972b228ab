import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { invariant } from "../../core/invariant.ts";

/**
 * Makes V8 collect its old heap when it has grown by half, and not when it is several times as large: under load a
 * server then takes about a quarter less memory, and its collections are shorter. For a process that is Errand's
 * own, before it has done much: it changes the whole process.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--heap-growing-percent=50");
}

/** How often it is looked whether the process is idle, in milliseconds. */
const lookMs = 1_000;
/** A process that uses less than this share of a processor is idle. */
const idleShare = 0.05;
/** Growth since the last time that is worth some 50 ms of work, in bytes. */
const growthMin = 16 * 1_024 * 1_024;

/** What is known of a process at one look. */
export interface HeapLook {
  /** CPU time of the process since the look before, and the time between the two, in milliseconds. */
  readonly cpuMs: number;
  readonly tookMs: number;
  /** Bytes the heap has of the operating system now, and had after the last time it gave some back. */
  readonly heapBytes: number;
  readonly smallestBytes: number;
  /** True if anything was done for anybody between the two looks. */
  readonly hasWorked: boolean;
}

/** True if the process has nothing to do and a heap worth giving back. */
export function isHeapWorthShrinking(look: HeapLook): boolean {
  return (
    !look.hasWorked &&
    look.cpuMs < idleShare * look.tookMs &&
    look.heapBytes - look.smallestBytes >= growthMin
  );
}

/**
 * Gives memory back that a start or a flood has made the heap grow to, whenever the process has been idle for a second:
 * V8 by itself keeps it for good, some 50 MB after a start with 100,000 open tasks. The collection holds the process for 50
 * to 100 ms, so that it must not fall between two tokens of a slow stream: `workDone` is a count that grows with all that
 * is done, such as the kernel's commits. Answers how to stop looking.
 */
export function shrinkHeapWhenIdle(workDone: () => number): () => void {
  const collect = collector();
  let smallestBytes = 0;
  let done = workDone();
  let cpu = process.cpuUsage();
  let atMs = performance.now();
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(cpu);
    const look = {
      cpuMs: (user + system) / 1_000,
      tookMs: performance.now() - atMs,
      heapBytes: process.memoryUsage().heapTotal,
      smallestBytes,
      hasWorked: workDone() !== done,
    };
    if (isHeapWorthShrinking(look)) {
      collect();
      smallestBytes = process.memoryUsage().heapTotal;
    }
    done = workDone();
    cpu = process.cpuUsage();
    atMs = performance.now();
  }, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** V8's collection for a process that is short of memory: the one that gives pages back, young ones too. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  invariant(typeof collect === "function", "V8 does not let its heap be collected");
  return () => void Reflect.apply(collect, undefined, [{ type: "major", flavor: "last-resort" }]);
}
