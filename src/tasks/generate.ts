import {
  defineTask,
  type CallResult,
  type GenerateRequest,
  type TaskType,
} from "../engine/index.ts";
import { name, object, optional, schema, text } from "./input-schema.ts";

/** Longest prompt, in UTF-16 units. */
export const promptCharsMax = 400_000;

/** What to ask of which role. */
export interface GenerateInput {
  readonly prompt: string;
  /** Default `chat`. */
  readonly role?: string;
  readonly system?: string;
}

/** A model's answer. `finish` other than `stop` means that it was cut. */
export interface GenerateOutput {
  readonly text: string;
  readonly finish: CallResult["finish"];
  /** Tokens, where the endpoint counts them. */
  readonly usage: CallResult["usage"] | null;
}

const input = schema(
  object({
    prompt: text({ min: 1, max: promptCharsMax }),
    role: optional(name()),
    system: optional(text({ min: 0, max: promptCharsMax })),
  }),
);

function request({ prompt, system }: GenerateInput): GenerateRequest {
  return {
    messages: [
      ...(system === undefined || system === ""
        ? []
        : [{ role: "system" as const, content: system }]),
      { role: "user", content: prompt },
    ],
    last: true,
  };
}

/** One streamed model call. Fails with `model_unavailable` if no model serves the role. */
export const generateTask: TaskType<GenerateInput, GenerateOutput> = defineTask(
  "generate",
  {
    queue: "tasks",
    input,
    firstCall: (asked) => ({ role: asked.role ?? "chat", request: request(asked) }),
  },
  async (asked, ctx) => {
    const result = await ctx.generate(asked.role ?? "chat", request(asked));
    return { text: result.text, finish: result.finish, usage: result.usage ?? null };
  },
);
