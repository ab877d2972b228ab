import { defineTask } from "../../src/engine/index.ts";
import { defineConfig } from "../../src/hosts/embedded/config.ts";

/** Says `messages` things, each stored and shown before the next, once somebody says go. */
const speaker = defineTask("speaker", {}, async (_input, ctx) => {
  await ctx.waitForEvent("go");
  const messages = Number(process.env["BENCH_MESSAGES"]);
  for (let number = 0; number < messages; number += 1)
    await ctx.write(`message ${String(number).padStart(6, "0")} `);
  return null;
});

export default defineConfig({ tasks: [speaker] });
