import type { QueueEvent } from "../../core/queue/events.ts";
import { rangeOf, type Estimated, type Range } from "../../core/schedule/calibrate.ts";
import { slotsUsed, type Schedule } from "../../core/schedule/state.ts";
import type { Counter, Histogram } from "./exposition.ts";
import { RecentService } from "./recent-service.ts";

/** Names of the bands. */
export const bandNames = ["interactive", "background", "batch"] as const;

/** Where what happens in queues is counted. */
export interface QueueCounts {
  readonly wait: Histogram;
  readonly held: Histogram;
  readonly estimates: Counter;
  readonly error: Histogram;
}

/** Waiting calls whose wait is measured one by one; when more wait, one in so many stands for all of them. */
const measuredMax = 4_096;
/** Trees whose promise is remembered until it is known what came of it. */
const promisesMax = 1_024;

interface Request {
  readonly band: 0 | 1 | 2;
  readonly atMs: number;
  /** So many calls it stands for. */
  readonly times: number;
}

interface Promised {
  readonly call: string;
  readonly atMs: number;
  readonly start: Range;
  readonly end: Range;
}

/**
 * Measures one queue from its facts: waits, held slots, service of users, and what came of estimates. Calls that waited
 * or ran before this process are not measured. Memory is bounded however long the queue is.
 */
export class QueueWatch {
  readonly #name: string;
  readonly #counts: QueueCounts;
  readonly #waiting = new Map<string, Request>();
  readonly #leases = new Map<string, { readonly key: string; readonly atMs: number }>();
  readonly #promised = new Map<string, Promised>();
  readonly recent: RecentService = new RecentService();
  #running = 0;
  #requests = 0;
  #sinceMs: number;
  #busySeconds = 0;

  constructor(name: string, counts: QueueCounts, nowMs: number) {
    this.#name = name;
    this.#counts = counts;
    this.#sinceMs = nowMs;
  }

  /** Slot-seconds used so far. */
  busySeconds(nowMs: number): number {
    this.#pass(nowMs);
    return this.#busySeconds;
  }

  /** Facts of one commit, and the queue after them. */
  see(events: readonly QueueEvent[], schedule: Schedule, atMs: number): void {
    this.#pass(atMs);
    this.#running = slotsUsed(schedule);
    for (const event of events) this.#one(event, schedule, atMs);
  }

  #pass(nowMs: number): void {
    if (nowMs <= this.#sinceMs) return;
    this.#busySeconds += (this.#running * (nowMs - this.#sinceMs)) / 1_000;
    this.#sinceMs = nowMs;
  }

  #one(event: QueueEvent, schedule: Schedule, atMs: number): void {
    switch (event.type) {
      case "call.requested":
        this.#requested(event.call, event.band ?? 0, atMs);
        break;
      case "call.moved": {
        const request = this.#waiting.get(event.call);
        if (request !== undefined) this.#waiting.set(event.call, { ...request, band: event.to });
        break;
      }
      case "call.withdrawn":
        this.#waiting.delete(event.call);
        break;
      case "call.promised":
        this.#promise(event, schedule, atMs);
        break;
      case "call.granted":
        this.#granted(event, atMs);
        break;
      case "call.settled":
        this.#settled(event.call, atMs);
        break;
      case "leases.voided":
        this.#leases.clear();
        break;
      case "tree.over":
        this.#came(event.root, "end", atMs);
        this.#promised.delete(event.root);
        break;
      default:
    }
  }

  #requested(call: string, band: 0 | 1 | 2, atMs: number): void {
    this.#requests += 1;
    // The more are measured already, the fewer are taken up: each then counts for those that were passed over.
    const times = 1 + 2 * Math.floor(this.#waiting.size / (measuredMax / 8));
    if (this.#requests % times !== 0 || this.#waiting.size >= measuredMax) return;
    this.#waiting.set(call, { band, atMs, times });
  }

  #granted(event: Extract<QueueEvent, { type: "call.granted" }>, atMs: number): void {
    const { call, key, band = 0 } = event;
    this.#leases.set(call, { key, atMs });
    const request = this.#waiting.get(call);
    if (request === undefined) {
      if (event.waited !== true) this.#counts.wait.observe([this.#name, bandNames[band]], 0);
      return;
    }
    this.#waiting.delete(call);
    const seconds = secondsBetween(request.atMs, atMs);
    this.#counts.wait.observe([this.#name, bandNames[request.band]], seconds, request.times);
    const root = event.root ?? event.task ?? call.slice(0, call.lastIndexOf("."));
    if (this.#promised.get(root)?.call === call) this.#came(root, "start", atMs);
  }

  #settled(call: string, atMs: number): void {
    const lease = this.#leases.get(call);
    if (lease === undefined) return;
    this.#leases.delete(call);
    const seconds = secondsBetween(lease.atMs, atMs);
    this.#counts.held.observe([this.#name], seconds);
    this.recent.add(lease.key, seconds, atMs);
  }

  #promise(
    event: Extract<QueueEvent, { type: "call.promised" }>,
    { calibration }: Schedule,
    atMs: number,
  ): void {
    const { call, root, band = 0, ...points } = event;
    if (this.#promised.size >= promisesMax) return;
    const start = rangeOf(calibration, "start", band, points);
    const end = rangeOf(calibration, "end", band, points);
    this.#promised.set(root, { call, atMs, start, end });
  }

  #came(root: string, what: Estimated, atMs: number): void {
    const promised = this.#promised.get(root);
    if (promised === undefined) return;
    const seconds = secondsBetween(promised.atMs, atMs);
    const { p50, p90 } = promised[what];
    const outcome = seconds <= p50 ? "within_p50" : seconds <= p90 ? "within_p90" : "late";
    this.#counts.estimates.add([this.#name, what, outcome]);
    this.#counts.error.observe([this.#name, what], Math.abs(seconds - p50) / Math.max(p50, 0.05));
  }
}

function secondsBetween(fromMs: number, toMs: number): number {
  return toMs > fromMs ? (toMs - fromMs) / 1_000 : 0;
}
