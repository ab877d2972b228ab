/** The golden log of a queue: commands with their times, and the facts every host must decide from them. */
import { createHash } from "node:crypto";

import { canonicalJson } from "../src/core/json.ts";
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
    decisions.update(`${canonicalJson(batch)}\n`);
    return { atMs, command, events: batch.events };
  });
  const saved = canonicalJson(queueDecider.snapshot?.save(state));
  return {
    steps,
    decisions: decisions.digest("hex"),
    state: createHash("sha256").update(saved).digest("hex"),
  };
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

/** The commands of the golden log: a busy queue with all bands, caps, weights, trees, pauses and a lost process. */
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
      }),
    );
    while (open.length > 14) {
      atMs += Math.round(unit() * 6_000);
      const [settled] = open.splice(Math.floor(unit() * open.length), 1);
      say({ type: "settle", call: settled! });
    }
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
