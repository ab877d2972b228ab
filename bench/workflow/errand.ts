import { defineTask } from "../../src/engine/index.ts";
import { readSettings } from "../../src/hosts/embedded/config.ts";
import { openEmbedded } from "../../src/hosts/embedded/embedded.ts";
import { scratch } from "../harness/machine.ts";
import type { Workflows } from "./run.ts";

/** Each step is durable before the next begins; the ten in the middle share their commits. */
const fan = defineTask("fan", {}, async (_input, ctx) => {
  const a = await ctx.step("a", () => 1);
  const bs = await Promise.all(
    Array.from({ length: 10 }, (_, i) => ctx.step(`b${i}`, () => a + i)),
  );
  return await ctx.step("c", () => bs.reduce((sum, b) => sum + b, 0));
});

/** Errand as shipped, through the public in-process API. */
export async function errand(): Promise<Workflows> {
  const dir = scratch("workflow");
  const settings = await readSettings({ ERRAND_DATA_DIR: dir.path }, dir.path);
  const embedded = await openEmbedded(
    { ...settings, config: { tasks: [fan], queues: { tasks: { slots: 64 } } } },
    { log: { info: () => undefined, error: console.error } },
  );
  return {
    async run() {
      const { output } = await embedded.engine.run("fan", null);
      return Number(output);
    },
    async stop() {
      await embedded.stop();
      dir.remove();
    },
  };
}
