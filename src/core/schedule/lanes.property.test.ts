import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { QueueRun } from "../../../test/queue-run.ts";
import { beat, Story } from "../../../test/queue-story.ts";
import { queueDecider } from "../queue/decider.ts";
import type { ReadyRequest } from "../rows.ts";
import { batchTurnCredit, patienceMs, rankOf } from "./rule.ts";
import type { Schedule } from "./state.ts";

type Waiting = readonly [call: string, request: ReadyRequest];

/** The rule without heaps, gates or shelves: every waiting call is looked at for every grant. */
function chooseByHand(ledger: Schedule, rows: readonly Waiting[], nowMs: number) {
  const { swap, settings } = ledger;
  const plain = plainChoice(ledger, rows, nowMs);
  const next = rows.find(([call]) => call === plain.call)?.[1];
  const same = { ...plain, stays: false };
  const most = 4 * (settings.swapMs ?? 0);
  if (plain.owed || next?.model === undefined || swap.model === null) return same;
  if (next.model === swap.model || nowMs - (swap.sinceMs ?? nowMs) >= most) return same;
  const near = plain.field.filter(([, { model }]) => model === swap.model);
  const call = bestOf(ledger, near, next.band);
  return call === undefined ? same : { ...plain, call, stays: true };
}

/** The rule as if models cost nothing to change. */
function plainChoice(ledger: Schedule, rows: readonly Waiting[], nowMs: number) {
  const leases = [...ledger.leases.values()];
  const may = rows.filter(([, { type, key, capTotal, capPerKey }]) => {
    const same = leases.filter((lease) => lease.capped && lease.taskType === type);
    if (capTotal !== null && same.length >= capTotal) return false;
    return capPerKey === null || same.filter((lease) => lease.key === key).length < capPerKey;
  });
  const { slotsPerKey } = ledger.settings;
  const below = may.filter(([, { key }]) => {
    const held = leases
      .filter((lease) => lease.key === key)
      .reduce((sum, { slots }) => sum + slots, 0);
    return slotsPerKey === null || held < slotsPerKey;
  });
  const field = below.length > 0 ? below : may;
  const [first, second, third] = ([0, 1, 2] as const).map((band) => bestOf(ledger, field, band));
  const batchFirst = ledger.bands[2].credit >= batchTurnCredit;
  const lower = batchFirst ? (third ?? second) : (second ?? third);
  const since = ledger.lowerSinceMs;
  const owed =
    !leases.some((lease) => lease.band > 0) &&
    since !== null &&
    nowMs - since > patienceMs &&
    ledger.lowerCredit > 0;
  if (first === undefined) return { call: lower, owed: false, field };
  return lower !== undefined && owed
    ? { call: lower, owed, field }
    : { call: first, owed: false, field };
}

/** The best key by the heads of its kinds of calls, then that key's first call. */
function bestOf(ledger: Schedule, field: readonly Waiting[], band: 0 | 1 | 2) {
  const mine = field.filter(([, request]) => request.band === band);
  const kinds = new Map<string, Waiting[]>();
  for (const one of mine) {
    const [, { key, type, capTotal, capPerKey, slots = 1, model = "" }] = one;
    const kind = capTotal === null && capPerKey === null ? "" : `${type} ${capTotal} ${capPerKey}`;
    const name = `${key} ${kind} ${slots} ${model}`;
    kinds.set(name, [...(kinds.get(name) ?? []), one]);
  }
  const heads = [...kinds.values()].map((calls) => calls.toSorted(byTag)[0]!);
  const rank = ([, { key, cost, rest = cost, readyAtMs }]: Waiting) => {
    const account = ledger.bands[band].accounts.get(key)!;
    return rankOf(band, account.served, account.weight, rest, readyAtMs);
  };
  const best = heads.toSorted((a, b) => rank(a) - rank(b) || a[1].seq - b[1].seq)[0];
  return mine.filter(([, { key }]) => key === best?.[1].key).toSorted(byTag)[0]?.[0];
}

function byTag([, a]: Waiting, [, b]: Waiting): number {
  return a.tag - b.tag || a.seq - b.seq;
}

/** The ledger alone, folded from the log. */
function ledgerOf(run: QueueRun, facts: number): Schedule {
  let state = queueDecider.zero("queue/models");
  for (const { event, atMs } of run.log.slice(0, facts)) {
    state = queueDecider.evolve(state, event, atMs);
  }
  return state.schedule;
}

test("[QUEUE6, QUEUE8, QUEUE16] every grant is the one the rule gives when it is applied by hand", () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.array(beat, { maxLength: 80, size: "max" }), (beats) => {
      const told = new Story();
      for (const one of beats) told.live(one);
      told.end();
      const rows = new Map<string, ReadyRequest>();
      for (const [index, { event, atMs }] of told.run.log.entries()) {
        if (event.type === "call.requested") rows.set(event.call, told.run.everReady(event.call));
        if (event.type === "call.withdrawn") rows.delete(event.call);
        if (event.type !== "call.granted" || event.waited !== true) continue;
        const ledger = ledgerOf(told.run, index);
        const byHand = chooseByHand(ledger, [...rows], atMs);
        if (event.fills === true) {
          // Somebody else is next, and has no room.
          const next = rows.get(byHand.call ?? "");
          const free = ledger.settings.slots - ledger.slotsTaken;
          expect(Math.min(next?.slots ?? 1, ledger.settings.slots)).toBeGreaterThan(free);
          expect(event.slots ?? 1).toBeLessThanOrEqual(free);
          rows.delete(event.call);
          continue;
        }
        expect(byHand).toMatchObject({
          call: event.call,
          owed: event.owed === true,
          stays: event.stays === true,
        });
        rows.delete(event.call);
        compared += 1;
      }
    }),
    { numRuns: 200 },
  );
  expect(compared).toBeGreaterThan(1_000);
});

test("[QUEUE26] no call is passed over for the model in memory for longer than the bound, until another is loaded", () => {
  let passed = 0;
  fc.assert(
    fc.property(fc.array(beat, { maxLength: 80, size: "max" }), (beats) => {
      const told = new Story({ swapMs: 5_000 });
      for (const one of beats) told.live(one);
      told.end();
      const rows = new Map<string, ReadyRequest>();
      let loaded: string | undefined;
      /** When each waiting call was first passed over for the model that is loaded now. */
      const since = new Map<string, number>();
      for (const [index, { event, atMs }] of told.run.log.entries()) {
        if (event.type === "call.requested") rows.set(event.call, told.run.everReady(event.call));
        if (event.type === "call.withdrawn") rows.delete(event.call);
        if (event.type !== "call.granted") continue;
        if (event.stays === true) {
          const { call = "" } = plainChoice(ledgerOf(told.run, index), [...rows], atMs);
          expect(rows.get(call)?.model).not.toBe(event.model);
          since.set(call, since.get(call) ?? atMs);
          expect(atMs - since.get(call)!).toBeLessThan(4 * 5_000);
          passed += 1;
        }
        if (event.model !== undefined && event.model !== loaded) since.clear();
        loaded = event.model ?? loaded;
        rows.delete(event.call);
      }
    }),
    { numRuns: 60 },
  );
  expect(passed).toBeGreaterThan(20);
});
