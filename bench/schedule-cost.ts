import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import type { Batch, DecideContext } from "../src/core/decider.ts";
import { queueDecider } from "../src/core/queue/decider.ts";
import type { QueueEvent } from "../src/core/queue/events.ts";
import type { CallRequest, QueueCommand } from "../src/core/queue/protocol.ts";
import { restorePending, type ReadyCall } from "../src/core/queue/restore.ts";
import type { QueueState } from "../src/core/queue/state.ts";
import { why } from "../src/core/queue/views.ts";
import { queueScope } from "../src/core/scope.ts";

/*
 * What a scheduling decision costs, and what waiting calls weigh. No I/O: the pure decider alone.
 *
 *     node bench/schedule-cost.ts [decisions]
 */

setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");

/** Bytes in use after a collection, typed arrays included. */
function usedBytes(): number {
  if (typeof collect === "function") collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const context = (nowMs: number): DecideContext => ({ nowMs, id: () => "", random: () => 0 });

/** A command as it comes from a log or a socket: every text is its own. */
function fresh<T extends object>(value: T): T {
  const copy: T = JSON.parse(JSON.stringify(value));
  return copy;
}

function requestOf(number: number, keys: number): QueueCommand & { readonly type: "request" } {
  const task = `task_01k${String(number).padStart(23, "0")}`;
  const key = `user_${number % keys}`;
  const request: CallRequest = {
    task,
    type: "chat",
    key,
    user: key,
    weight: 1,
    band: number % 10 < 7 ? 0 : number % 10 < 9 ? 1 : 2,
    root: task,
    cost: 1 + (number % 7),
    capTotal: null,
    capPerKey: null,
  };
  return fresh({ type: "request", call: `${task}.1`, request });
}

function decide(state: QueueState, command: QueueCommand, nowMs: number): Batch<QueueEvent> {
  return queueDecider.decide(state, command, context(nowMs));
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function filled(calls: number, keys: number): { state: QueueState; longestMs: number } {
  const state = queueDecider.zero(queueScope("bench"));
  let longestMs = 0;
  for (let number = 0; number < calls; number += 1) {
    const command = requestOf(number, keys);
    const before = performance.now();
    decide(state, command, number);
    longestMs = Math.max(longestMs, performance.now() - before);
  }
  return { state, longestMs };
}

function memory(calls: number, keys: number): void {
  const before = usedBytes();
  const { state, longestMs } = filled(calls, keys);
  const bytes = usedBytes() - before;
  console.log(
    `${calls} waiting of ${keys} keys: ${(bytes / 1e6).toFixed(0)} MB, ${(bytes / calls).toFixed(0)} B each ` +
      `(weigh says ${(queueDecider.weigh(state) / 1e6).toFixed(0)} MB); longest request ${longestMs.toFixed(1)} ms`,
  );
}

/** A full cycle: one call comes, the one that runs is settled, the next is granted. */
function cycle(calls: number, keys: number, rounds: number): void {
  const { state } = filled(calls, keys);
  const times = new Float64Array(rounds);
  let nowMs = calls;
  const commands = Array.from({ length: rounds }, (_, round) => requestOf(calls + round, keys));
  const cpu = process.threadCpuUsage();
  for (const [round, command] of commands.entries()) {
    const settled = [...state.schedule.leases.keys()];
    nowMs += 1_000;
    const before = performance.now();
    decide(state, command, nowMs);
    for (const call of settled) decide(state, { type: "settle", call }, nowMs);
    times[round] = performance.now() - before;
  }
  const { user, system } = process.threadCpuUsage(cpu);
  const meanUs = (times.reduce((sum, time) => sum + time, 0) * 1_000) / rounds;
  times.sort();
  console.log(
    `request + settle + grant at ${calls} waiting of ${keys} keys: mean ${meanUs.toFixed(2)} us (CPU ${((user + system) / rounds).toFixed(2)} us), ` +
      `p50 ${(quantile(times, 0.5) * 1_000).toFixed(2)} us, p99 ${(quantile(times, 0.99) * 1_000).toFixed(1)} us, longest ${(quantile(times, 1) * 1_000).toFixed(0)} us`,
  );
}

function recovery(calls: number, keys: number): void {
  const state = queueDecider.zero(queueScope("bench"));
  const rows: ReadyCall[] = [];
  for (let number = 0; number < calls; number += 1) {
    for (const row of decide(state, requestOf(number, keys), number).rows ?? []) {
      if (row.table === "ready") rows.push(fresh({ call: row.call, request: row.request }));
    }
  }
  let before = performance.now();
  const saved: unknown = JSON.parse(JSON.stringify(queueDecider.snapshot?.save(state)));
  const saveMs = performance.now() - before;
  before = performance.now();
  const cpu = process.threadCpuUsage();
  const back = queueDecider.snapshot?.load(queueScope("bench"), saved) ?? state;
  for (let at = 0; at < rows.length; at += 1_000) restorePending(back, rows.slice(at, at + 1_000));
  const restoreMs = performance.now() - before;
  const { user, system } = process.threadCpuUsage(cpu);
  console.log(
    `recovery of ${rows.length} waiting of ${keys} keys: ${restoreMs.toFixed(0)} ms, ` +
      `${((user + system) / 1_000).toFixed(0)} ms of them CPU; ` +
      `snapshot saved and parsed in ${saveMs.toFixed(0)} ms, ${JSON.stringify(saved).length} B`,
  );
  before = performance.now();
  const asked = 100;
  for (let number = 0; number < asked; number += 1) {
    why(back, rows[Math.floor((rows.length * number) / asked)]?.call ?? "", rows.length);
  }
  console.log(`why: ${(((performance.now() - before) * 1_000) / asked).toFixed(0)} us`);
}

function logBytes(): void {
  const state = queueDecider.zero(queueScope("bench"));
  const command = requestOf(1, 10);
  const events = [
    ...decide(state, command, 1).events,
    ...decide(state, { type: "settle", call: command.call }, 1_500).events,
  ];
  console.log(
    `log of a call granted at once: ${JSON.stringify(events).length} B in ${events.length} events`,
  );
}

logBytes();
cycle(10_000, 1_000, 100_000);
cycle(100_000, 10_000, 200_000);
if (process.argv[2] !== "decisions") {
  cycle(1_000_000, 10_000, 200_000);
  recovery(100_000, 10_000);
  memory(1_000_000, 10_000);
  memory(1_000_000, 10);
  memory(1_000_000, 1_000_000);
}
