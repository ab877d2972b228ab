import { defineTask } from "../../src/engine/index.ts";
import { readSettings } from "../../src/hosts/embedded/config.ts";
import { openEmbedded } from "../../src/hosts/embedded/embedded.ts";
import { scratch } from "../harness/machine.ts";
import { payload, type Subject } from "./subject.ts";

/** Errand as shipped, through the public in-process API. */
export async function errand(options: { readonly cipher: "aes" | "none" }): Promise<Subject> {
  const dir = scratch("throughput");
  const starts = new Map<string, number>();
  const noop = defineTask("noop", {}, () => null);
  const timed = defineTask("timed", {}, (_input, ctx) => {
    starts.set(ctx.taskId, performance.now());
    return ctx.taskId;
  });
  const settings = await readSettings({ ERRAND_DATA_DIR: dir.path }, dir.path);
  const embedded = await openEmbedded(
    { ...settings, config: { tasks: [noop, timed] } },
    { cipher: options.cipher, log: { info: () => undefined, error: console.error } },
  );
  const { engine } = embedded;
  return {
    submit: () => engine.submit("noop", payload),
    run: () => engine.run("noop", payload),
    async runTimed() {
      const { output } = await engine.run("timed", payload);
      return starts.get(String(output)) ?? 0;
    },
    pause: (paused) => engine.pauseQueue("tasks", paused),
    async drain() {
      for (;;) {
        const queues = await engine.reader.queues();
        if (queues.every(({ pending, running }) => pending === 0 && running === 0)) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async stop() {
      await embedded.stop();
      dir.remove();
    },
  };
}
