/** A model whose every answer a test writes itself, and whose every prompt it can read. */
import type { Delta, ModelCall, Models } from "../../../src/ports/models.ts";

/** What the model says to a call: text, or deltas; a throw is the endpoint's failure. */
export type Script = (
  call: ModelCall,
  signal: AbortSignal,
) => string | readonly Delta[] | Promise<string | readonly Delta[]>;

/** A scripted model. */
export interface ScriptedModels extends Models {
  /** Calls in the order they came. */
  readonly calls: readonly ModelCall[];
  /** Resolves when so many calls have come. */
  called(count: number): Promise<void>;
}

/** A model that answers as the script says, in one piece, or in two if the text has a `|`. */
export function scriptedModels(script: Script): ScriptedModels {
  const calls: ModelCall[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  return {
    calls,
    called: (count) =>
      new Promise((resolve) => {
        if (calls.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    async *stream(call, { signal }) {
      calls.push(call);
      for (const { count, resolve } of waiting) if (calls.length >= count) resolve();
      const said = await script(call, signal);
      if (typeof said !== "string") {
        yield said;
        return;
      }
      for (const text of said.split("|")) yield [{ type: "text", text }];
      yield [{ type: "finish", reason: "stop" }];
    },
    list: () => Promise.resolve(["scripted"]),
    embed: () => Promise.resolve({ vectors: [] }),
  };
}

/** An answer that calls tools. */
export function toolCalls(
  ...wanted: readonly (readonly [name: string, input: unknown])[]
): readonly Delta[] {
  return [
    ...wanted.map(([name, input], index): Delta => ({
      type: "toolCall",
      call: { id: `${name}-${index}-${(made += 1)}`, name, input },
    })),
    { type: "finish", reason: "toolCalls" },
  ];
}

let made = 0;

/** Never answers; ends with the call. */
export function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/** The text of the last user message of a call. */
export function asked(call: ModelCall): string {
  return call.messages.findLast(({ role }) => role === "user")?.content ?? "";
}
