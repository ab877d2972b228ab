/** The golden log of a queue: commands with their times, and the facts every host must decide from them. */
import { createHash } from "node:crypto";

import type { Batch } from "../src/core/decider.ts";
import { canonicalJson } from "../src/core/json.ts";
import type { CallEnd } from "../src/core/schedule/opening.ts";
import { restorePending } from "../src/core/queue/restore.ts";
import type { ReadyRequest } from "../src/core/rows.ts";
import { queueDecider } from "../src/core/queue/decider.ts";
import type { QueueEvent } from "../src/core/queue/events.ts";
import type { QueueCommand } from "../src/core/queue/protocol.ts";

import { START_MS, testContext } from "./given.ts";
import { callOf, seededUnits } from "./queue-run.ts";

/** One command of the golden log and the facts it makes. */
export interface GoldenStep {
  readonly atMs: number;
  readonly command: QueueCommand;
  readonly events: readonly QueueEvent[];
}

/** A golden log. `decisions` hashes whole batches: facts, messages, rows and replies; `state` the last snapshot. */
export interface GoldenLog {
  readonly steps: readonly GoldenStep[];
  readonly decisions: string;
  readonly state: string;
}

/** Decides the commands one after another on a new queue. */
export function decideGolden(
  commands: readonly { readonly atMs: number; readonly command: QueueCommand }[],
): GoldenLog {
  const state = queueDecider.zero("queue/golden");
  const decisions = createHash("sha256");
  const steps = commands.map(({ atMs, command }) => {
    const batch = queueDecider.decide(state, command, testContext({ nowMs: atMs }));
    decisions.update(`${decisionText(batch)}\n`);
    return { atMs, command, events: batch.events };
  });
  const saved = canonicalJson(queueDecider.snapshot?.save(state));
  return {
    steps,
    decisions: decisions.digest("hex"),
    state: createHash("sha256").update(saved).digest("hex"),
  };
}

/** A decision without its timers: a new process sets those again that are due later. */
function decisionText({ timers: _timers, ...batch }: Batch<QueueEvent>): string {
  return canonicalJson(batch);
}

/**
 * The hash of the same decisions by a queue whose process dies after each of them: every command is decided by a state
 * that was made of the log and the ready rows, or of the last snapshot and those rows.
 */
export function decideKilled(steps: readonly GoldenStep[], from: "log" | "snapshot"): string {
  const decisions = createHash("sha256");
  const log: { readonly event: QueueEvent; readonly atMs: number }[] = [];
  const rows = new Map<string, ReadyRequest>();
  let saved: unknown = null;
  for (const { atMs, command } of steps) {
    let state = queueDecider.zero("queue/golden");
    if (from === "snapshot" && saved !== null) {
      const stored: unknown = JSON.parse(JSON.stringify(saved));
      state = queueDecider.snapshot?.load("queue/golden", stored) ?? state;
    } else for (const fact of log) state = queueDecider.evolve(state, fact.event, fact.atMs);
    restorePending(
      state,
      Array.from(rows, ([call, request]) => ({ call, request })),
    );
    const batch = queueDecider.decide(state, command, testContext({ nowMs: atMs }));
    decisions.update(`${decisionText(batch)}\n`);
    for (const event of batch.events) log.push({ event, atMs });
    for (const row of batch.rows ?? []) {
      if (row.table === "ready") rows.set(row.call, row.request);
      if (row.table === "readyGone") rows.delete(row.call);
    }
    saved = queueDecider.snapshot?.save(state);
  }
  return decisions.digest("hex");
}

/** Text of a golden log: one step a line, then the hashes. */
export function writeGolden({ steps, decisions, state }: GoldenLog): string {
  const lines = [...steps, { decisions, state }].map((line) => `${JSON.stringify(line)}\n`);
  return lines.join("");
}

/** The golden log in a text that {@link writeGolden} made. */
export function readGolden(text: string): GoldenLog {
  const lines = text.trimEnd().split("\n");
  const hashes = JSON.parse(lines.pop() ?? "{}") as Omit<GoldenLog, "steps">;
  return { steps: lines.map((line) => JSON.parse(line) as GoldenStep), ...hashes };
}

/** How calls of the golden log end: as a rule well. */
const ends: readonly (CallEnd | undefined)[] = [
  undefined,
  { failed: null },
  { failed: null, cut: 400 },
  { failed: null, speed: { model: "m", input: 900, firstMs: 700, output: 90, writeMs: 1_500 } },
  { failed: null, speed: { model: "n", input: 500, firstMs: 900, output: 40, writeMs: 2_500 } },
  { failed: "down", cause: "model_stalled" },
  { failed: "loading" },
  { failed: "limited", retryAfterMs: 4_000 },
];

/** What a model call says besides. */
function modelCall(pick: <T>(from: readonly T[]) => T) {
  const model = pick(["m", "m", "n"]);
  const line = pick([{}, {}, { line: "chat", capTotal: 2 }]);
  return {
    role: "chat",
    lead: 0.5,
    tokens: 700,
    input: 400,
    model,
    cuttable: true,
    ...line,
  } as const;
}

/**
 * The commands of the golden log: a busy queue with all bands, caps, weights, trees, wide calls, pauses and a lost process;
 * then models that are changed, cut, slow, down and loaded.
 */
export function goldenCommands(): { atMs: number; command: QueueCommand }[] {
  const unit = seededUnits(2_026);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(unit() * from.length)]!;
  const commands: { atMs: number; command: QueueCommand }[] = [];
  const open: string[] = [];
  let atMs = START_MS;
  const say = (command: QueueCommand) => commands.push({ atMs, command });
  say({ type: "configure", settings: { slots: 2, slotsPerKey: null } });
  for (let number = 1; number <= 260; number += 1) {
    atMs += Math.round(unit() * 9_000);
    const call = `t${number}.1`;
    open.push(call);
    say(
      callOf(call, {
        key: pick(["ann", "ann", "bob", "cid", "dee"]),
        band: pick([0, 0, 0, 1, 1, 2]),
        weight: pick([1, 1, 1, 2, 0.3]),
        cost: Math.round((0.05 + unit() * 20) * 1_000) / 1_000,
        type: pick(["chat", "agent"]),
        ...pick([{}, {}, {}, { root: pick(["r1", "r2"]) }]),
        ...pick([{}, {}, { type: "tool", capPerKey: 1 }, { type: "document", capTotal: 1 }]),
        ...pick([{}, {}, {}, { slots: 2 }]),
        ...(number > 180 ? modelCall(pick) : {}),
      }),
    );
    while (open.length > 14) {
      atMs += Math.round(unit() * 6_000);
      const [settled] = open.splice(Math.floor(unit() * open.length), 1);
      const end = number > 180 ? pick(ends) : undefined;
      say({ type: "settle", call: settled!, ...(end === undefined ? {} : { end }) });
    }
    if (number % 15 === 0) say({ type: "timer", name: pick(["open", "cut"]) });
    if (number === 200)
      say({ type: "configure", settings: { slots: 4, slotsPerKey: null, swapMs: 4_000 } });
    if (number % 60 === 0) say({ type: "pause", paused: number % 120 !== 0 });
    if (number === 130) say({ type: "configure", settings: { slots: 3, slotsPerKey: 1 } });
    if (number === 200) say({ type: "voidLeases" });
  }
  say({ type: "pause", paused: false });
  for (const call of open) {
    atMs += 2_500;
    say({ type: "settle", call });
  }
  return commands;
}
