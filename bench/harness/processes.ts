import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { buildServer } from "../../scripts/build-server.ts";

/** A program that runs beside the bench. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What the line that was waited for says. */
  readonly said: string;
  /** Milliseconds from the start of the process to that line. */
  readonly readyMs: number;
  /** Ends it as a crash would, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Starts a program and waits for a line that fits `ready`; its first group is what it says. Throws if it ends before. */
export async function start(
  command: string,
  args: readonly string[],
  ready: RegExp,
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<Running> {
  const startedMs = performance.now();
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const found = Promise.withResolvers<string>();
  const tail: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      const match = ready.exec(line);
      if (match !== null) found.resolve(match[1] ?? line);
      tail.push(line);
      if (tail.length > 20) tail.shift();
    });
  }
  child.once("exit", (code) =>
    found.reject(
      new Error(`${command} ended with ${code} before it was ready:\n${tail.join("\n")}`),
    ),
  );
  const said = await found.promise;
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} has no process id`);
  return {
    child,
    pid,
    said,
    readyMs: performance.now() - startedMs,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

const built = fileURLToPath(new URL("../../dist/server/errand.js", import.meta.url));
const inspector = fileURLToPath(new URL("./inspector.ts", import.meta.url));

/** Starts `errand serve` on a free port, as shipped but for a preload that tells its numbers; `said` is its URL. */
export async function startErrand(dataDir: string, env: NodeJS.ProcessEnv = {}): Promise<Running> {
  await buildServer();
  return await start(
    process.execPath,
    ["--import", inspector, built, "serve"],
    /ready at (http\S+)/,
    {
      env: { PORT: "0", ERRAND_DATA_DIR: dataDir, ...env },
    },
  );
}

/** What the preload of a server knows. */
export interface Inside {
  /** 99th percentile and longest delay of the event loop since the question before, in ms. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

/** Asks the preload of a server. */
export async function inside(server: Running): Promise<Inside> {
  server.child.send("numbers");
  const [answer]: Inside[] = await once(server.child, "message");
  if (answer === undefined) throw new Error("the server's preload gave no numbers");
  return answer;
}
