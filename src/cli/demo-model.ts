import { defineCommand, type CommandDef } from "citty";

import { startFakeModel } from "../adapters/fake-model/fake-model.ts";
import { orExplain } from "./connection.ts";

function number(flag: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${flag} must be a number from 0, got "${text}"`);
}

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
      const model = await startFakeModel({
        port: number("port", args.port, 1_234),
        tokensPerSecond: number("speed", args.speed, 30),
        ttftMs: number("ttft", args.ttft, 200),
        slots: number("slots", args.slots, 1),
        models: ["demo-model"],
      });
      process.stdout.write(
        `The demo model answers at ${model.baseUrl}. It is a pretence: it knows nothing.\nStart Errand beside it with: npm start\n`,
      );
    });
  },
});
