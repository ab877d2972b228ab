import { ModelError, type ModelCall, type Models } from "../ports/models.ts";
import {
  type CallTimes,
  decodeSpeed,
  firstTokenMs,
  type Level,
  levelsUpTo,
  loadMs,
  promptSpeed,
  type Speed,
  stillRises,
  usefulSlots,
} from "./endpoint-speed.ts";

/** What {@link measureEndpoint} needs. */
export interface Measuring {
  readonly models: Models;
  readonly model: string;
  /** Most calls to try at once. */
  readonly slotsMax: number;
  /** New for every run: it begins all prompts, or the endpoint's prompt cache would answer what it has read before. */
  readonly nonce: string;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Is told what was seen, a line each time. */
  readonly say: (line: string) => void;
}

/** What was measured; times in ms. */
export interface Measured {
  readonly firstCallMs: number;
  /** What of it was the loading of the model. */
  readonly loadMs: number;
  readonly prompt: Speed & {
    readonly samples: readonly { readonly tokens: number; readonly firstTokenMs: number }[];
  };
  readonly decode: Speed;
  readonly slots: {
    readonly useful: number;
    readonly levels: readonly Level[];
    /** What the endpoint said to more calls at once; `null`: it took all that were tried. */
    readonly refusal: string | null;
  };
  /** How it goes on from a partial answer; `null`: not at all. */
  readonly resumes: "prefill" | "continue" | null;
}

/** Words of the two prompts: far enough apart to be told from noise, and short enough for a context of 4,096 tokens. */
const wordsOf = { short: 200, long: 1_600 } as const;
/** A prompt that took this long is not read a second time: it stands out from any noise. */
const slowPromptMs = 10_000;
/** Enough to get a first token past a model's first empty ones. */
const promptAnswerTokens = 4;
/** Seconds of writing at usual speeds. */
const decodeTokens = 96;
/** Longest time one call may take, the loading of its model included. */
const callMsMax = 300_000;
const charsPerToken = 4;

const filler = "river stone cloud paper green seven window music salt garden".split(" ");

/** Calls that are made at most. */
export function callsOf(slotsMax: number): number {
  const probes = 2;
  return 6 + probes + levelsUpTo(slotsMax).reduce((total, calls) => total + calls, 0);
}

/**
 * Measures an endpoint with calls of its own, one after another but where it tries several at once; nobody else should
 * use it meanwhile. Throws {@link ModelError} if a call alone fails or takes more than 300 s, and the signal's reason
 * when aborted, with every connection closed. A failure among several at once ends the trying.
 */
export async function measureEndpoint(measuring: Measuring): Promise<Measured> {
  const { say } = measuring;
  let asked = 0;
  const prompted = async (words: number): Promise<CallTimes> => {
    const call = promptCall(measuring, (asked += 1), words);
    const times = await timed(measuring, call, measuring.signal);
    say(`prompt of ${times.inputTokens} tokens: first token after ${secondsOf(times)}`);
    return times;
  };
  say("first call, which may load the model");
  const first = await prompted(wordsOf.short);
  const short = await twice(() => prompted(wordsOf.short));
  const long = await longPrompts(prompted, say);
  const alone = await timed(measuring, decodeCall(measuring, (asked += 1)), measuring.signal);
  const decode = decodeSpeed([alone]);
  say(`${alone.outputTokens} tokens written: ${Math.round(decode.tokensPerSecond)} a second`);
  const slots = await measureSlots(measuring, () => (asked += 1));
  const resumes = await howItResumes(measuring);
  const [warm = first] = short;
  return {
    firstCallMs: firstTokenMs(first),
    loadMs: loadMs(first, warm),
    prompt: {
      ...promptSpeed(short, long.length === 0 ? short : long),
      samples: [...short, ...long].map((times) => ({
        tokens: times.inputTokens,
        firstTokenMs: firstTokenMs(times),
      })),
    },
    decode,
    slots,
    resumes,
  };
}

function secondsOf(times: CallTimes): string {
  return `${(firstTokenMs(times) / 1_000).toFixed(2)} s`;
}

async function twice(call: () => Promise<CallTimes>): Promise<readonly CallTimes[]> {
  const once = await call();
  return firstTokenMs(once) > slowPromptMs ? [once] : [once, await call()];
}

/** None if the context is too small for them: the short ones must do then. */
async function longPrompts(
  prompted: (words: number) => Promise<CallTimes>,
  say: (line: string) => void,
): Promise<readonly CallTimes[]> {
  try {
    return await twice(() => prompted(wordsOf.long));
  } catch (error) {
    if (!(error instanceof ModelError && error.failure === "context_overflow")) throw error;
    say("the context is too small for a long prompt: the speed of reading is only a bound");
    return [];
  }
}

async function measureSlots(
  measuring: Measuring,
  number: () => number,
): Promise<Measured["slots"]> {
  const levels: Level[] = [];
  let refusal: string | null = null;
  for (const calls of levelsUpTo(measuring.slotsMax)) {
    try {
      const times = await atOnce(measuring, calls, number);
      levels.push({ calls, tokensPerSecond: decodeSpeed(times).tokensPerSecond });
    } catch (error) {
      if (levels.length === 0 || !(error instanceof ModelError)) throw error;
      refusal = error.message;
      measuring.say(`${calls} calls at once: ${refusal}`);
      break;
    }
    const speed = Math.round(levels.at(-1)?.tokensPerSecond ?? 0);
    measuring.say(`${calls} at once: ${speed} tokens a second together`);
    if (!stillRises(levels)) break;
  }
  return { useful: usefulSlots(levels), levels, refusal };
}

/** The first failure ends the other calls too: their connections are closed before it is thrown. */
async function atOnce(
  measuring: Measuring,
  calls: number,
  number: () => number,
): Promise<readonly CallTimes[]> {
  const others = new AbortController();
  const signal = AbortSignal.any([measuring.signal, others.signal]);
  try {
    return await Promise.all(
      Array.from({ length: calls }, () =>
        timed(measuring, decodeCall(measuring, number()), signal),
      ),
    );
  } finally {
    others.abort();
  }
}

async function howItResumes({
  models,
  model,
  signal,
  say,
}: Measuring): Promise<Measured["resumes"]> {
  const limit = AbortSignal.timeout(callMsMax);
  try {
    const way = (await models.probe?.(model, { signal: AbortSignal.any([signal, limit]) })) ?? null;
    say(way === null ? "a partial answer is begun anew" : `goes on from a partial answer (${way})`);
    return way;
  } catch (error) {
    signal.throwIfAborted();
    const words = limit.aborted ? `nothing for ${callMsMax / 1_000} s` : String(error);
    say(`it could not be tried how a partial answer goes on: ${words}`);
    return null;
  }
}

function promptCall({ model, nonce }: Measuring, number: number, words: number): ModelCall {
  const text = Array.from({ length: words }, (_, at) => filler[(at * 7 + number) % filler.length]);
  const content = `Run ${nonce}, call ${number}. Which of these words is first? ${text.join(" ")}`;
  return { model, messages: [{ role: "user", content }], maxTokens: promptAnswerTokens };
}

function decodeCall({ model, nonce }: Measuring, number: number): ModelCall {
  const content = `Run ${nonce}, call ${number}. Write the whole numbers from 1 to 400, separated by commas.`;
  return { model, messages: [{ role: "user", content }], maxTokens: decodeTokens };
}

/** Makes a call and says when its tokens came, and how many: as the endpoint counts them, or its pieces if it does not. */
async function timed(
  { models, nowMs }: Measuring,
  call: ModelCall,
  signal: AbortSignal,
): Promise<CallTimes> {
  const limit = AbortSignal.timeout(callMsMax);
  const startedMs = nowMs();
  let [firstMs, firstTokens, lastMs, pieces] = [0, 0, 0, 0];
  let usage = { inputTokens: 0, outputTokens: 0 };
  try {
    for await (const deltas of models.stream(call, { signal: AbortSignal.any([signal, limit]) })) {
      const come = deltas.filter(({ type }) => type === "text" || type === "reasoning").length;
      for (const delta of deltas) if (delta.type === "usage") usage = delta;
      if (come === 0) continue;
      lastMs = nowMs();
      if (pieces === 0) [firstMs, firstTokens] = [lastMs, come];
      pieces += come;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.aborted) throw error;
    throw new ModelError("stalled", `a call took longer than ${callMsMax / 1_000} s`);
  }
  const chars = call.messages.reduce((total, { content }) => total + content.length, 0);
  const whole = pieces === 0 ? { firstMs: nowMs(), lastMs: nowMs() } : { firstMs, lastMs };
  return {
    startedMs,
    ...whole,
    firstTokens,
    inputTokens: usage.inputTokens > 0 ? usage.inputTokens : Math.ceil(chars / charsPerToken),
    outputTokens: usage.outputTokens > 0 ? usage.outputTokens : pieces,
  };
}
