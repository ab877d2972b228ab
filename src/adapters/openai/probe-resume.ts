import type { ResumeWay } from "../../core/schedule/state.ts";
import { ModelError, type ModelCall, type Models } from "../../ports/models.ts";

/**
 * A question whose answer every model knows, and its beginning, which breaks off in mid-word: a model that goes on says
 * the rest of the word, and one that answers anew, or in a turn of its own, a whole one.
 */
const question =
  "Count from one to ten in words, in lower case, separated by a comma and a space. Write nothing else.";
const soFar = "one, two, three, four, fi";
const rest = "ve,";
const tokensMax = 8;

/** Statuses by which servers refuse a request they do not understand. */
const refusals: ReadonlySet<string> = new Set(["rejected", "context_overflow"]);

/**
 * Tries how a model goes on from a partial answer: as the last message, then with vLLM's parameters. Throws what a
 * try threw, unless it says that the server does not take such a request.
 */
export async function probeResume(
  stream: Models["stream"],
  model: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<ResumeWay | null> {
  for (const way of ["prefill", "continue"] as const) {
    if (await goesOn(stream, model, way, signal)) return way;
  }
  return null;
}

async function goesOn(
  stream: Models["stream"],
  model: string,
  way: ResumeWay,
  signal: AbortSignal,
): Promise<boolean> {
  const call: ModelCall = {
    model,
    messages: [{ role: "user", content: question }],
    partial: { text: soFar, way },
    temperature: 0,
    maxTokens: tokensMax,
  };
  let said = "";
  try {
    for await (const deltas of stream(call, { signal })) {
      for (const delta of deltas) {
        // Who thinks first has begun anew.
        if (delta.type === "reasoning") return false;
        if (delta.type === "text") said += delta.text;
      }
      // A server that ignores the limit is not waited for.
      if (said.length > 40) break;
    }
  } catch (error) {
    if (error instanceof ModelError && refusals.has(error.failure)) return false;
    throw error;
  }
  return said.startsWith(rest);
}
