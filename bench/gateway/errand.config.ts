import { defineConfig } from "../../src/hosts/embedded/config.ts";

export default defineConfig({ queues: { completions: { slots: 600 } } });
