import { pathToFileURL } from "node:url";

/*
 * The simulator is no part of this repository: a folder with `workload.mjs` (tasks from public traces), `engine.mjs`
 * (one endpoint with slots), `policies.mjs` (rules to compare with) and `predict.mjs`. Named here is what the bench
 * uses of it.
 */

/** One model call of a simulated task. Rules may hang their own marks on it. */
export interface SimCall {
  readonly type: string;
  readonly in: number;
  readonly out: number;
  readonly task: SimTask;
  /** Predicted by the simulator for its own rules. */
  readonly pc: number;
  /** Times it was cut, and tokens it had said by then. */
  readonly cuts: number;
  readonly got: number;
  readonly progress: number;
  readonly pre: number;
  readonly tag0: number;
  readonly first?: number;
  /** When it was ready and when it first started, in seconds. */
  readonly ready: number;
  readonly start?: number;
}

/** A simulated task: stages of calls with pauses between them. */
export interface SimTask {
  readonly id: number;
  readonly user: number;
  readonly cls: 0 | 1 | 2;
  readonly type: string;
  readonly weight: number;
  /** Seconds: when it came, got its first token, ended. */
  readonly t: number;
  readonly first: number;
  readonly end: number;
  readonly stages: readonly { readonly gap?: number; readonly calls: readonly SimCall[] }[];
}

/** A rule as the simulator drives it. Times are seconds. */
export interface SimRule {
  add(call: SimCall, now: number): void;
  pick(now: number, active: readonly SimCall[]): SimCall | undefined;
  finished?(call: SimCall, now: number): void;
  stopped?(call: SimCall, now: number): void;
  taskDone?(task: SimTask, now: number): void;
  victim?(now: number, active: readonly SimCall[], clock: number): SimCall | undefined;
}

/** Tasks and how long they keep coming. `closed` sources keep so many tasks in the system. */
export interface Workload {
  readonly tasks: readonly SimTask[];
  readonly horizon: number;
  readonly closed?: readonly unknown[];
}

/** What a run left behind. */
export interface SimResult {
  readonly all: readonly SimTask[];
  readonly done: readonly SimTask[];
  readonly stuck: number;
  readonly cuts: number;
  readonly lost: number;
}

interface Figures {
  readonly light: { readonly p95: number };
  readonly jain: number;
  readonly jainMin: number;
}

/** The parts of the simulator that the bench drives. */
export interface Simulator {
  mixed(how: Readonly<Record<string, unknown>>): Workload;
  flood(how: Readonly<Record<string, unknown>>): Workload;
  saturated(how: Readonly<Record<string, unknown>>): Workload;
  simulate(
    how: Workload & { k: number; policy: SimRule; predictor: unknown; maxTime?: number },
  ): SimResult;
  summarise(result: SimResult, how: { horizon: number }): Figures;
  newPredictor(seed: number): unknown;
  readonly rules: Readonly<Record<string, (slots: number) => SimRule>>;
}

/** Loads the simulator from a folder. */
export async function loadSimulator(folder: string): Promise<Simulator> {
  const load = (name: string) => import(pathToFileURL(`${folder}/${name}`).href);
  const workload: Pick<Simulator, "mixed" | "flood" | "saturated"> = await load("workload.mjs");
  const engine: Pick<Simulator, "simulate" | "summarise"> = await load("engine.mjs");
  const policies: { POLICIES: Simulator["rules"] } = await load("policies.mjs");
  const predict: { Predictor: new (how: { seed: number }) => unknown } = await load("predict.mjs");
  return {
    mixed: workload.mixed,
    flood: workload.flood,
    saturated: workload.saturated,
    simulate: engine.simulate,
    summarise: engine.summarise,
    newPredictor: (seed) => new predict.Predictor({ seed }),
    rules: policies.POLICIES,
  };
}
