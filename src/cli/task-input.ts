/** What a command line says of a task's input. */
export interface InputArgs {
  readonly text?: unknown;
  readonly type: string;
  readonly input?: string | undefined;
}

/** The input: JSON if it is given, else the text as the built-in types take it. Throws if there is neither. */
export function inputOf({ text, type, input }: InputArgs): unknown {
  if (input !== undefined) return parsed(input);
  if (typeof text !== "string" || text === "")
    throw new Error('say what to do: errand submit "..." (or --input JSON)');
  return type === "generate" || type === "orchestrate" ? { prompt: text } : { text };
}

function parsed(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch (error) {
    const why = error instanceof Error ? error.message : "it cannot be read";
    throw new Error(`--input must be JSON, such as '{"prompt":"..."}': ${why}`, { cause: error });
  }
}
