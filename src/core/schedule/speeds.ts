/*
 * How fast models read and write, learnt from their answers. What is believed is a fact of its own each time it changes
 * by more than a little, so that a replay needs no arithmetic; between two facts it is at most a tenth off.
 */

/** What one answer showed, by the clock of who read it. */
export interface SpeedSeen {
  readonly model: string;
  /** Tokens of the prompt, and from the request to the first token, in ms. */
  readonly input: number;
  readonly firstMs: number;
  /** Tokens of the answer, and from the first to the last of them, in ms. */
  readonly output: number;
  readonly writeMs: number;
}

/** Tokens a second that a model is believed to read and to write; `null`: nobody knows. */
export interface Speed {
  readonly prompt: number | null;
  readonly decode: number | null;
  /** Facts it was learnt from, up to {@link factsMax}. */
  readonly facts: number;
}

/** Speeds by model, the one learnt longest ago first. */
export type Speeds = Map<string, Speed>;

/** What every call takes besides its tokens, in seconds. */
export const overheadSeconds = 0.05;
/** A shorter prompt says more of the network than of the model. */
const inputMin = 200;
/** A shorter answer comes in one or two pieces. */
const outputMin = 16;
/** An answer weighs this much against all before it; more at first. */
const rateMin = 0.1;
/** Changes below this share are no fact: an answer moves a belief by a tenth, so it was off by a tenth. */
const changeMin = 0.01;
const factsMax = 1_000;
/** Most models that are remembered. */
const modelsMax = 64;
/** Slowest and fastest that is believed, in tokens a second. */
const [slowest, fastest] = [0.01, 10_000_000];

/** What is to be believed of a model after one more answer; `null`: what was. */
export function learntSpeed(speeds: Speeds, seen: SpeedSeen): Omit<Speed, "facts"> | null {
  const before = speeds.get(seen.model);
  const facts = before?.facts ?? 0;
  const readMs = seen.firstMs - 1_000 * overheadSeconds;
  const prompt = seen.input < inputMin ? null : rateOf(seen.input, readMs);
  const decode = seen.output < outputMin ? null : rateOf(seen.output - 1, seen.writeMs);
  const next = {
    prompt: mixed(before?.prompt ?? null, prompt, facts),
    decode: mixed(before?.decode ?? null, decode, facts),
  };
  const isNews = changed(before?.prompt ?? null, next.prompt);
  return isNews || changed(before?.decode ?? null, next.decode) ? next : null;
}

/** A model's speeds are believed to be these. */
export function foldMeasured(
  speeds: Speeds,
  model: string,
  { prompt, decode }: Omit<Speed, "facts">,
): void {
  const facts = (speeds.get(model)?.facts ?? 0) + 1;
  speeds.delete(model);
  speeds.set(model, { prompt, decode, facts: facts < factsMax ? facts : factsMax });
  if (speeds.size <= modelsMax) return;
  for (const oldest of speeds.keys()) {
    speeds.delete(oldest);
    return;
  }
}

/** What a call asks of a model, as far as its speed matters. */
export interface Sized {
  readonly model?: string;
  /** Tokens of its prompt, and of prompt and answer. */
  readonly input?: number;
  readonly tokens?: number;
  readonly lead?: number;
  readonly cost: number;
}

/**
 * Seconds that reading the prompt takes, and those that the whole call does as long as nobody knows how long its answers
 * are: by the model's own speeds where they are known, else as its caller guessed.
 */
export function foreseen(speeds: Speeds, call: Sized): { lead: number; cost: number } {
  const { lead: guessed = 0, cost, input, model, tokens = 0 } = call;
  const known = model === undefined ? undefined : speeds.get(model);
  if (known === undefined || input === undefined) return { lead: guessed, cost };
  const lead = known.prompt === null ? guessed : overheadSeconds + input / known.prompt;
  const output = tokens > input ? tokens - input : 0;
  return { lead, cost: lead + (known.decode === null ? cost - guessed : output / known.decode) };
}

function rateOf(tokens: number, ms: number): number | null {
  if (!(tokens > 0) || !(ms > 0)) return null;
  const rate = (1_000 * tokens) / ms;
  return rate < slowest || rate > fastest ? null : rate;
}

/** The mean time of a token, and not the mean rate: a wait is a sum of times. */
function mixed(before: number | null, seen: number | null, facts: number): number | null {
  if (before === null || seen === null) return tidy(seen ?? before);
  const first = 1 / (facts + 1);
  const share = first > rateMin ? first : rateMin;
  return tidy(1 / ((1 - share) / before + share / seen));
}

function tidy(rate: number | null): number | null {
  return rate === null ? null : Math.round(rate * 100) / 100;
}

function changed(before: number | null, next: number | null): boolean {
  if (before === null || next === null) return before !== next;
  const change = next > before ? next - before : before - next;
  return change > changeMin * before;
}
