import { defineCommand, type CommandDef } from "citty";

import {
  startFakeModel,
  type FakeModel,
  type FakeModelOptions,
} from "../adapters/fake-model/fake-model.ts";
import { orExplain } from "./connection.ts";

interface Range {
  readonly flag: string;
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

/** A whole number of a flag; throws with the range it must be in. */
function number(text: string | undefined, { flag, fallback, min, max }: Range): number {
  if (text === undefined) return fallback;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw new Error(`--${flag} must be a whole number ${min}..${max}, got "${text}"`);
  return value;
}

const ranges = {
  port: { flag: "port", fallback: 1_234, min: 0, max: 65_535 },
  speed: { flag: "speed", fallback: 30, min: 0, max: 1_000_000 },
  ttft: { flag: "ttft", fallback: 200, min: 0, max: 3_600_000 },
  slots: { flag: "slots", fallback: 1, min: 1, max: 10_000 },
} as const;

const modelArgs = {
  port: { type: "string", description: "Port (default 1234, where Errand looks for LM Studio)" },
  speed: {
    type: "string",
    description: "Tokens per second (default 30; 0 is as fast as possible)",
  },
  ttft: { type: "string", description: "Milliseconds before the first token (default 200)" },
  slots: { type: "string", description: "Answers at once; others wait (default 1)" },
} as const;

/** `errand demo-model`. */
export const demoModel: CommandDef<typeof modelArgs> = defineCommand({
  meta: {
    name: "demo-model",
    description: "Run a pretend OpenAI-compatible model: for demos and tests, it knows nothing",
  },
  args: modelArgs,
  async run({ args }) {
    await orExplain("", async () => {
      const options = {
        port: number(args.port, ranges.port),
        tokensPerSecond: number(args.speed, ranges.speed),
        ttftMs: number(args.ttft, ranges.ttft),
        slots: number(args.slots, ranges.slots),
      };
      const { baseUrl } = await started(options);
      process.stdout.write(
        `The demo model answers at ${baseUrl}. It is a pretence: it knows nothing.\nStart Errand beside it with: npm start\n`,
      );
    });
  },
});

async function started(options: FakeModelOptions & { readonly port: number }): Promise<FakeModel> {
  try {
    return await startFakeModel({ ...options, models: ["demo-model"] });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    throw new Error(
      `port ${options.port} is in use, maybe by a model server that Errand finds by itself; choose another one with --port, and name it with ERRAND_MODEL_BASE_URL`,
      { cause: error },
    );
  }
}
