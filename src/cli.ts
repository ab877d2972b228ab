import { defineCommand, runMain } from "citty";

import { cancel, follow, ps, retry, submit, why } from "./cli/commands.ts";

/** `errand`: each command loads what it needs when it runs, so that `errand ps` does not start a server's modules. */
const main = defineCommand({
  meta: { name: "errand", version: "0.1.0", description: "Durable background agents: submit, close the tab, come back" },
  subCommands: {
    serve: async () => (await import("./cli/serve.ts")).serve,
    submit,
    ps,
    follow,
    cancel,
    retry,
    why,
    "demo-model": async () => (await import("./cli/demo-model.ts")).demoModel,
  },
});

await runMain(main);
