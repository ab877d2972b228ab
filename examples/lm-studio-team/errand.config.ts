import { defineConfig } from "../../src/index.ts";
import { teamTasks } from "./tasks.ts";

/** One LM Studio on one GPU: its chat and the training wait in the same queue, `gpu0`. */
export default defineConfig({
  tasks: teamTasks,
  endpoints: [
    {
      name: "lm-studio",
      baseUrl: process.env["LM_STUDIO_URL"] ?? "http://127.0.0.1:1234/v1",
      device: "gpu0",
    },
  ],
});
