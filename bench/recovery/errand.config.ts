import { defineTask } from "../../src/engine/index.ts";
import { defineConfig } from "../../src/hosts/embedded/config.ts";

/** Works for three seconds, of which nothing is kept by a crash. */
const work = defineTask(
  "work",
  {},
  () => new Promise((resolve) => setTimeout(() => resolve(null), 3_000)),
);

export default defineConfig({ tasks: [work], queues: { tasks: { slots: 1_000 } } });
