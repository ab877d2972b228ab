import { enableCompileCache } from "node:module";

import { defineCommand, runMain } from "citty";

import { showUsage } from "./cli/show-usage.ts";
import { flagFault } from "./cli/unknown-flags.ts";

// Before anything of ours is loaded: a warm cache halves the time to a ready server.
enableCompileCache();

/** `errand`: each command loads what it needs when it runs, so that `errand ps` does not start a server's modules. */
const main = defineCommand({
  meta: {
    name: "errand",
    version: "0.1.0",
    description:
      "Durable background agents: submit, close the tab, come back. " +
      "All commands but serve, doctor, bench and demo-model speak to a running server: ERRAND_URL says where, ERRAND_API_KEY is the key where keys are on. Exit code 0: done, 1: failed or refused",
  },
  subCommands: {
    serve: async () => (await import("./cli/serve.ts")).serve,
    submit: async () => (await import("./cli/commands.ts")).submit,
    ps: async () => (await import("./cli/commands.ts")).ps,
    follow: async () => (await import("./cli/commands.ts")).follow,
    cancel: async () => (await import("./cli/commands.ts")).cancel,
    retry: async () => (await import("./cli/commands.ts")).retry,
    promote: async () => (await import("./cli/commands.ts")).promote,
    demote: async () => (await import("./cli/commands.ts")).demote,
    queues: async () => (await import("./cli/queue-commands.ts")).queues,
    limits: async () => (await import("./cli/queue-commands.ts")).limitsCommand,
    alerts: async () => (await import("./cli/alerts.ts")).alerts,
    why: async () => (await import("./cli/commands.ts")).why,
    replay: async () => (await import("./cli/replay.ts")).replay,
    doctor: async () => (await import("./cli/doctor.ts")).doctor,
    bench: async () => (await import("./cli/bench.ts")).bench,
    todos: async () => (await import("./cli/todos.ts")).todos,
    reminders: async () => (await import("./cli/reminders.ts")).reminders,
    plan: async () => (await import("./cli/reminders.ts")).plan,
    approvals: async () => (await import("./cli/approvals.ts")).approvals,
    export: async () => (await import("./cli/portable.ts")).exportCommand,
    import: async () => (await import("./cli/portable.ts")).importCommand,
    schedules: async () => (await import("./cli/schedules.ts")).schedules,
    "demo-model": async () => (await import("./cli/demo-model.ts")).demoModel,
  },
});

const fault = await flagFault(main, process.argv.slice(2));
if (fault === null) await runMain(main, { showUsage });
else {
  process.stderr.write(`errand: ${fault}\n`);
  process.exitCode = 1;
}
