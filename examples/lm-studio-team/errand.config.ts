import { defineConfig } from "../../src/index.ts";
import { teamTasks } from "./tasks.ts";

/** One LM Studio on one GPU. The endpoint is named after the device: its queue, `model:gpu0`, is the training's too. */
export default defineConfig({
  tasks: teamTasks,
  endpoints: [
    { name: "gpu0", baseUrl: process.env["LM_STUDIO_URL"] ?? "http://127.0.0.1:1234/v1", slots: 1 },
  ],
});
