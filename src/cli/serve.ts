import { flushCompileCache } from "node:module";

import { defineCommand, type CommandDef } from "citty";

import { keepHeapSmall, shrinkHeapWhenIdle } from "../adapters/node/small-heap.ts";
import { readSettings, type HostSettings } from "../hosts/embedded/config.ts";
import { serveEmbedded, type Served } from "../hosts/embedded/serve.ts";
import { explainStart } from "./start-failure.ts";

const serveArgs = {
  port: { type: "string", description: "Port (default: PORT, or 8787)" },
  host: { type: "string", description: "Address to bind (default: ERRAND_HOST, or 127.0.0.1)" },
  data: { type: "string", description: "Data folder (default: ERRAND_DATA_DIR, or ./.errand)" },
} as const;

/** After a start has done its own work: writing the cache the first time takes some 50 ms. */
const compileCacheAfterMs = 2_000;

/** `errand serve`. */
export const serve: CommandDef<typeof serveArgs> = defineCommand({
  meta: {
    name: "serve",
    description: "Run the server: API, page, queue and workers in one process",
  },
  args: serveArgs,
  async run({ args }) {
    const env = {
      ...process.env,
      ...(args.port === undefined ? {} : { PORT: args.port }),
      ...(args.host === undefined ? {} : { ERRAND_HOST: args.host }),
      ...(args.data === undefined ? {} : { ERRAND_DATA_DIR: args.data }),
    };
    keepHeapSmall();
    let settings: HostSettings;
    let served: Served;
    try {
      settings = await readSettings(env, process.cwd());
      served = await serveEmbedded(settings);
    } catch (error) {
      process.stderr.write(`errand: ${explainStart(error)}\n`);
      process.exitCode = 1;
      return;
    }
    printStart(served, settings);
    stopOnSignals(served);
    const { kernel } = served.embedded.engine;
    shrinkHeapWhenIdle(() => kernel.commits);
    // Node keeps compiled code when a process ends by itself: a server that is killed would start slowly for ever.
    setTimeout(() => flushCompileCache(), compileCacheAfterMs).unref();
  },
});

function printStart({ url, embedded }: Served, settings: HostSettings): void {
  const lines = [
    "",
    `  Errand is ready at ${url}`,
    `  data    ${settings.dataDir}`,
    `  model   ${embedded.models.status.note}`,
    `  auth    ${settings.adminKey === null ? 'off: everybody on this machine is the user "local"' : "on: Authorization: Bearer KEY"}`,
    "",
    "  Ctrl-C once finishes what runs and stops, twice stops at once. Nothing is lost either way.",
    "",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** The first signal drains, the second ends the process as a crash would: both are safe. */
function stopOnSignals(served: Served): void {
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) {
      process.stderr.write("stopping at once; what runs is started again by the next process\n");
      process.exit(130);
    }
    stopping = true;
    process.stderr.write(`${signal}: finishing what runs (again to stop at once)...\n`);
    served.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`errand: could not stop in good order: ${explainStart(error)}\n`);
        process.exit(1);
      },
    );
  };
  // A handler that forgot an await must not end everybody's work: an error nobody was there to catch is told, no more.
  process.on("unhandledRejection", (reason) =>
    served.embedded.log.error(
      "a promise was rejected and nothing caught it; is an await missing?",
      reason,
    ),
  );
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("SIGTERM", () => stop("SIGTERM"));
}
