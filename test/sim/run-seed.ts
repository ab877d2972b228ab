import type { TaskState } from "../../src/core/task/state.ts";
import { finalAudit } from "./final-audit.ts";
import { honest, type Mutant } from "./mutant.ts";
import { drawPlan, type Plan } from "./plan.ts";
import { BrokenRule, Trace } from "./trace.ts";
import { drain, startMs, World, type CrashPoint } from "./world.ts";

/** How one run of a seed ended. */
export interface SeedResult {
  readonly seed: number;
  readonly hash: string;
  /** Steps taken. */
  readonly steps: number;
  readonly commits: number;
  readonly tasks: number;
  readonly marks: ReadonlyMap<string, number>;
  /** The newest lines of the trace, or all of them. */
  readonly tail: readonly string[];
  readonly failure: SeedFailure | null;
}

/** A broken promise. */
export interface SeedFailure {
  readonly rule: string;
  readonly message: string;
}

/** Steps of chaos for each action of a client, and at least these. */
const stepsPerAction = 16;
/** Steps a world may take to come to rest once nothing goes wrong any more: the bound on liveness. */
const healingStepsMax = 6_000;
const dayMs = 86_400_000;

/** What a run may have besides its seed. */
export interface RunOptions {
  /** The bug to plant. */
  readonly mutant?: Mutant;
  /** Another world than the seed's own. */
  readonly plan?: Plan;
  readonly crashPoint?: CrashPoint;
  /** Keep every line of the trace. */
  readonly keepAll?: boolean;
}

/** Runs one seed: chaos, healing, rest, audit. Never throws for a broken promise: that is its result. */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<SeedResult> {
  const plan = options.plan ?? drawPlan(seed);
  const trace = new Trace(options.keepAll);
  const world = new World(plan, trace, options.mutant ?? honest);
  world.crashPoint = options.crashPoint ?? null;
  let steps = 0;
  try {
    steps = await live(world, plan);
    await finalAudit(world);
  } catch (error) {
    world.breaks(error);
  }
  const { broken, commits } = world;
  const failure = broken === null ? null : describe(broken);
  const tasks = [...world.shadow.tasks()].length;
  const { hash, marks } = trace;
  return { seed, hash, steps, commits, tasks, marks, tail: trace.tail(), failure };
}

function describe(error: unknown): { rule: string; message: string } {
  if (error instanceof BrokenRule) return { rule: error.rule, message: error.message };
  const message =
    error instanceof Error
      ? `${error.stack ?? error.message}${error.cause === undefined ? "" : `\ncaused by ${String((error.cause as Error).stack)}`}`
      : String(error);
  return { rule: "no bug is met", message };
}

async function live(world: World, plan: Plan): Promise<number> {
  await settled(world, world.boot());
  let actions = plan.actions;
  let steps = 0;
  for (; actions > 0 || steps < plan.actions * stepsPerAction; steps += 1) {
    if (
      actions > 0 &&
      world.dice.below(plan.weights.client + plan.weights.worker) < plan.weights.client
    ) {
      actions -= 1;
      world.clients.act();
    } else chaos(world, plan);
    await after(world);
  }
  world.healing = true;
  world.note("heal", "");
  for (let healing = 0; ; healing += 1) {
    if (healing > healingStepsMax)
      throw new BrokenRule("a healed world comes to rest", stuck(world));
    if (!heal(world)) return steps + healing;
    await after(world);
  }
}

/** Lets promises settle, starts a dead process again, and stops at a broken promise. */
async function after(world: World): Promise<void> {
  await drain();
  await settled(world, Promise.resolve(true));
}

async function settled(world: World, begun: Promise<boolean>): Promise<void> {
  let alive = await begun;
  while (world.broken === null && (world.dead || !alive)) alive = await world.boot();
  if (world.broken !== null) throw world.broken;
}

/** One random step of a world in which anything may go wrong. */
function chaos(world: World, plan: Plan): void {
  const { dice, faults } = world;
  const { weights } = plan;
  if (dice.chance(faults.crash)) return world.crash();
  if (dice.chance(faults.evict)) return world.worker.evict();
  if (dice.chance(faults.leave)) return world.worker.leave();
  if (dice.chance(faults.cut)) return world.worker.makeRoom();
  if (dice.chance(faults.zombie)) return world.worker.haunt();
  if (dice.chance(faults.spuriousWake)) return world.wake();
  const able: [number, () => void][] = [[weights.clock, () => passTime(world)]];
  if (world.turns > 0) able.push([weights.turn, () => world.turn()]);
  if (world.worker.busy) able.push([weights.worker, () => world.worker.act()]);
  if (world.courier.busy) able.push([weights.courier, () => world.courier.act()]);
  if (world.wakeAtMs !== null && world.wakeAtMs <= world.nowMs)
    able.push([weights.turn, () => world.wake()]);
  let roll = dice.unit() * able.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, act] of able) {
    roll -= weight;
    if (roll < 0) return act();
  }
}

function passTime(world: World): void {
  const { dice, faults } = world;
  const due = nextMs(world);
  if (dice.chance(faults.clockJump)) world.nowMs += dice.between(60_000, dayMs);
  else if (due !== null && dice.chance(0.5)) world.nowMs = Math.max(world.nowMs, due);
  else world.nowMs += dice.between(0, 30);
  world.note("clock", "");
}

/** When something is next due by time alone. */
function nextMs(world: World): number | null {
  const { wakeAtMs } = world;
  const stalled = world.worker.nextAtMs;
  if (wakeAtMs === null || stalled === null) return wakeAtMs ?? stalled;
  return Math.min(wakeAtMs, stalled);
}

/** One step of a world in which nothing goes wrong any more. False: nothing can happen, it is at rest. */
function heal(world: World): boolean {
  if (world.turns > 0) world.turn();
  else if (world.worker.busy) world.worker.act();
  else if (world.courier.busy) world.courier.act();
  else {
    const due = nextMs(world);
    if (due === null) return world.clients.soothe();
    world.nowMs = Math.max(world.nowMs, due);
    if (world.wakeAtMs !== null && world.wakeAtMs <= world.nowMs) world.wake();
  }
  return true;
}

/** What a world that does not come to rest looks like. */
function stuck(world: World): string {
  const open = [...world.shadow.tasks()].filter((task) => task.phase !== "ended");
  const line = (task: TaskState): string =>
    `${task.id} ${task.phase} ${task.status} ${JSON.stringify(task.reason)} attempt ${task.attempt}`;
  return [
    `at ${world.nowMs - startMs} ms after ${healingStepsMax} steps of healing`,
    `turns ${world.turns}, worker ${world.worker.busy ? "busy" : "idle"}, courier ${world.courier.busy ? "busy" : "idle"}, wakes at ${String(world.wakeAtMs)}`,
    ...open.map(line),
  ].join("\n  ");
}
