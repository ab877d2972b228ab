import { streamText } from "ai";

import { defineTask } from "../../src/engine/index.ts";
import { defineConfig } from "../../src/hosts/embedded/config.ts";

/** The same call as `generate`, made through the AI SDK. */
const sdk = defineTask("sdk", {}, async (_input, ctx) => {
  // What a context gives as a model is the SDK's own kind; the engine does not know its type.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const model = ctx.model("chat") as Parameters<typeof streamText>[0]["model"];
  return await streamText({ model, prompt: "go" }).text;
});

export default defineConfig({ tasks: [sdk], queues: { tasks: { slots: 600 } } });
