import { invariant } from "../invariant.ts";
import { rest } from "../schedule/ledger.ts";
import { countRunning } from "../schedule/running.ts";
import { bandNumber, list, number, numberOrNull, record, text } from "./snapshot-json.ts";
import { loadCalibration, saveCalibration } from "./snapshot-calibration.ts";
import { openingOf } from "../schedule/lines.ts";
import type { Opening } from "../schedule/opening.ts";
import type { Learnt } from "../schedule/predict.ts";
import { emptySchedule, type BandState, type Schedule } from "../schedule/state.ts";
import { scopeName, type Scope } from "../scope.ts";
import type { QueueSettings } from "./protocol.ts";
import type { QueueState } from "./state.ts";

/** A newer snapshot than this is refused; an older one is read. */
const version = 4;

/**
 * The ledger as plain JSON. Rows are arrays, because a queue may know many keys:
 * account `[key, served, weight, live]`, lease `[call, task, taskType, key, user, root, band, weight, cost,
 * grantedAtMs, clock, capped, owed,
 * passed, role, lead, tokens, cuttable, cuts, ran, cutAtMs, slots, model, line]`, root `[root, key, band, base, estimate, attained, type, sinceMs]`, costs `[name, mean, count]`. Waiting calls and what can be
 * counted again are left out.
 */
export function saveQueue({ schedule }: QueueState): unknown {
  return {
    version,
    slots: schedule.settings.slots,
    slotsPerKey: schedule.settings.slotsPerKey,
    swapMs: schedule.settings.swapMs ?? null,
    configured: schedule.configured,
    opening: schedule.opening,
    paused: schedule.paused,
    nextSeq: schedule.nextSeq,
    lowerSinceMs: schedule.lowerSinceMs,
    lowerCredit: schedule.lowerCredit,
    bands: schedule.bands.map((band) => ({
      clock: band.clock,
      weight: band.weight,
      credit: band.credit,
      recent: [band.recent.sinceMs, band.recent.now, band.recent.before],
      accounts: Array.from(band.accounts.values(), ({ key, served, weight, live }) => [
        key,
        served,
        weight,
        live,
      ]),
    })),
    leases: Array.from(schedule.leases.values(), (lease) => [
      lease.call,
      lease.task,
      lease.taskType,
      lease.key,
      lease.user,
      lease.root,
      lease.band,
      lease.weight,
      lease.cost,
      lease.grantedAtMs,
      lease.clock,
      lease.capped ? 1 : 0,
      lease.owed ? 1 : 0,
      lease.passed ? 1 : 0,
      lease.role,
      lease.lead,
      lease.tokens,
      lease.cuttable ? 1 : 0,
      lease.cuts,
      lease.ran,
      lease.cutAtMs,
      lease.slots,
      lease.model,
      lease.line,
    ]),
    swap: schedule.swap,
    lines: Array.from(schedule.lines),
    roots: saveRoots(schedule.roots),
    calls: saveLearnt(schedule.costs.calls),
    trees: saveLearnt(schedule.costs.trees),
    spans: saveLearnt(schedule.costs.spans),
    calibration: saveCalibration(schedule.calibration),
    speeds: saveSpeeds(schedule.speeds),
    cutting: schedule.cutting,
    resumes: Array.from(schedule.resumes),
  };
}

function saveRoots(roots: Schedule["roots"]): unknown {
  return Array.from(roots, ([root, { key, band, base, estimate, attained, type, sinceMs }]) => [
    root,
    key,
    band,
    base,
    estimate,
    attained,
    type,
    sinceMs,
  ]);
}

function saveSpeeds(speeds: Schedule["speeds"]): unknown {
  return Array.from(speeds, ([model, { prompt, decode, facts }]) => [model, prompt, decode, facts]);
}

/** The queue a snapshot holds, without its waiting calls. A snapshot that is newer or broken is an invariant error. */
export function loadQueue(scope: Scope, saved: unknown): QueueState {
  const from = record(saved);
  invariant(
    number(from["version"]) <= version,
    `snapshot of ${scope} has version ${String(from["version"])}, newer than ${version}; start a newer Errand`,
  );
  const schedule = emptySchedule();
  loadSettings(schedule, from);
  schedule.paused = from["paused"] === true;
  schedule.nextSeq = number(from["nextSeq"]);
  schedule.lowerSinceMs = numberOrNull(from["lowerSinceMs"]);
  schedule.lowerCredit = number(from["lowerCredit"]);
  const bands = list(from["bands"]);
  for (const band of schedule.bands) loadBand(band, record(bands[band.band]));
  loadLines(schedule, from);
  for (const row of list(from["leases"])) loadLease(schedule, list(row));
  for (const row of list(from["roots"])) {
    const [root, key, band, base, estimate, attained, type = "", sinceMs = 0] = list(row);
    schedule.roots.set(text(root), {
      type: text(type),
      sinceMs: number(sinceMs),
      key: text(key),
      band: bandNumber(band),
      base: number(base),
      estimate: number(estimate),
      attained: number(attained),
    });
  }
  // Version 1 has learnt nothing, and has no limits over time.
  loadLearnt(schedule.costs.calls, from["calls"] ?? []);
  loadLearnt(schedule.costs.trees, from["trees"] ?? []);
  loadLearnt(schedule.costs.spans, from["spans"] ?? []);
  loadCalibration(schedule.calibration, from["calibration"] ?? null);
  loadCuts(schedule, from);
  for (const row of list(from["speeds"] ?? [])) {
    const [model, prompt, decode, facts] = list(row);
    schedule.speeds.set(text(model), {
      prompt: numberOrNull(prompt),
      decode: numberOrNull(decode),
      facts: number(facts),
    });
  }
  return { name: scopeName(scope), schedule };
}

function loadSettings(schedule: Schedule, from: Readonly<Record<string, unknown>>): void {
  const { opening } = schedule;
  const { configured = null, opening: saved = null } = from;
  if (saved !== null) loadOpening(opening, record(saved));
  schedule.settings = {
    ...slotsOf(from),
    requestsPerMinute: opening.requests.perMinute,
    tokensPerMinute: opening.tokens.perMinute,
  };
  if (configured === null) return;
  const before = record(configured);
  // In the order of a fold: snapshots are compared as text.
  schedule.configured = {
    slots: number(before["slots"]),
    slotsPerKey: numberOrNull(before["slotsPerKey"]),
    requestsPerMinute: numberOrNull(before["requestsPerMinute"]),
    tokensPerMinute: numberOrNull(before["tokensPerMinute"]),
    swapMs: numberOrNull(before["swapMs"] ?? null),
  };
}

/** Brings back what holds a queue, or one of its lines, back. */
function loadOpening(opening: Opening, held: Readonly<Record<string, unknown>>): void {
  for (const name of ["requests", "tokens"] as const) {
    const bucket = record(held[name]);
    opening[name].perMinute = numberOrNull(bucket["perMinute"]);
    opening[name].earnedAtMs = number(bucket["earnedAtMs"]);
  }
  opening.askedUntilMs = number(held["askedUntilMs"]);
  opening.failures = number(held["failures"]);
  opening.brokenUntilMs = number(held["brokenUntilMs"]);
  // Versions 1 to 3 know of no model that is being loaded.
  const { cause = null, loadings = 0, loadingUntilMs = 0 } = held;
  opening.cause = cause === null ? null : text(cause);
  opening.loadings = number(loadings);
  opening.loadingUntilMs = number(loadingUntilMs);
}

/** Versions 1 to 3 know of no models in memory, and of one endpoint a queue. */
function loadLines(schedule: Schedule, from: Readonly<Record<string, unknown>>): void {
  const saved = from["swap"] ?? null;
  if (saved !== null) {
    const { model, sinceMs, count } = record(saved);
    schedule.swap.model = model === null ? null : text(model);
    schedule.swap.sinceMs = numberOrNull(sinceMs);
    schedule.swap.count = number(count);
  }
  for (const row of list(from["lines"] ?? [])) {
    const [line, held] = list(row);
    loadOpening(openingOf(schedule, text(line)), record(held));
  }
}

function slotsOf(from: Readonly<Record<string, unknown>>): QueueSettings {
  return {
    slots: number(from["slots"]),
    slotsPerKey: numberOrNull(from["slotsPerKey"]),
    swapMs: numberOrNull(from["swapMs"] ?? null),
  };
}

function loadBand(band: BandState, from: Readonly<Record<string, unknown>>): void {
  band.clock = number(from["clock"]);
  band.weight = number(from["weight"]);
  band.credit = number(from["credit"]);
  const [sinceMs, now, before] = list(from["recent"] ?? [0, 0, 0]);
  Object.assign(band.recent, {
    sinceMs: number(sinceMs),
    now: number(now),
    before: number(before),
  });
  for (const row of list(from["accounts"])) {
    const [key, served, weight, live] = list(row);
    const account = {
      key: text(key),
      served: number(served),
      weight: number(weight),
      live: number(live),
      idleIndex: -1,
      lanes: [],
    };
    band.accounts.set(account.key, account);
    band.live += account.live;
    band.pending += account.live;
    if (account.live === 0) rest(band, account);
  }
}

function loadLease(schedule: Schedule, row: readonly unknown[]): void {
  const [call, task, taskType, key, user, root, band] = row;
  const [
    weight,
    cost,
    grantedAtMs,
    clock,
    capped,
    owed,
    passed,
    role = null,
    lead = 0,
    tokens = 0,
    cuttable = 0,
    cuts = 0,
    ran = 0,
    cutAtMs = null,
    slots = 1,
    model = null,
    line = null,
  ] = row.slice(7);
  const lease = {
    call: text(call),
    task: text(task),
    taskType: text(taskType),
    key: text(key),
    user: text(user),
    root: text(root),
    band: bandNumber(band),
    weight: number(weight),
    cost: number(cost),
    grantedAtMs: number(grantedAtMs),
    role: role === null ? null : text(role),
    lead: number(lead),
    tokens: number(tokens),
    clock: number(clock),
    capped: capped === 1,
    owed: owed === 1,
    passed: passed === 1,
    cuttable: cuttable === 1,
    cuts: number(cuts),
    ran: number(ran),
    cutAtMs: numberOrNull(cutAtMs),
    slots: number(slots),
    model: model === null ? null : text(model),
    line: line === null ? null : text(line),
  };
  schedule.leases.set(lease.call, lease);
  schedule.bands[lease.band].pending -= 1;
  countRunning(schedule, lease, 1);
}

/** Versions 1 and 2 know no cuts. */
function loadCuts(schedule: Schedule, from: Readonly<Record<string, unknown>>): void {
  const { cutting, resumes } = schedule;
  const saved = from["cutting"] ?? null;
  if (saved !== null) {
    const { credit, count, tokens } = record(saved);
    Object.assign(cutting, {
      credit: number(credit),
      count: number(count),
      tokens: number(tokens),
    });
  }
  for (const row of list(from["resumes"] ?? [])) {
    const [target, way] = list(row);
    resumes.set(text(target), way === "prefill" || way === "continue" ? way : null);
  }
}

function saveLearnt(known: ReadonlyMap<string, Learnt>): unknown {
  return Array.from(known, ([name, { mean, count }]) => [name, mean, count]);
}

function loadLearnt(known: Map<string, Learnt>, from: unknown): void {
  for (const row of list(from)) {
    const [name, mean, count] = list(row);
    known.set(text(name), { mean: number(mean), count: number(count) });
  }
}
