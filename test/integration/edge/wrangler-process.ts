import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");
const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");

/** What the edge host keeps on this machine, and a page that need not be built. */
export interface EdgeFolder {
  readonly dir: string;
  remove(): Promise<void>;
}

/** A fresh folder for {@link startEdge}. */
export async function edgeFolder(): Promise<EdgeFolder> {
  const dir = await mkdtemp(join(tmpdir(), "errand-edge-"));
  await writeFile(join(dir, "index.html"), "<!doctype html>");
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

/** The edge host in processes of its own, as `npm run edge` starts it. */
export interface EdgeProcess {
  readonly url: string;
  /** Of the group of its processes. */
  readonly groupId: number;
  /** SIGKILL for wrangler and workerd: nothing of them gets a chance to tidy up. */
  kill(): Promise<void>;
}

/** Starts `wrangler dev` over a folder, and waits until the Worker answers. `vars` are variables of the Worker. */
export async function startEdge(
  folder: EdgeFolder,
  vars: Readonly<Record<string, string>> = {},
): Promise<EdgeProcess> {
  return await start(folder, [
    "--env=development",
    `--assets=${folder.dir}`,
    ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
  ]);
}

/** Starts several Workers by their configurations, of which the first is the one that answers. */
export async function startWorkers(
  folder: EdgeFolder,
  configs: readonly string[],
): Promise<EdgeProcess> {
  return await start(
    folder,
    configs.map((path) => `--config=${path}`),
  );
}

async function start({ dir }: EdgeFolder, which: readonly string[]): Promise<EdgeProcess> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      wrangler,
      "dev",
      ...which,
      "--ip=127.0.0.1",
      `--port=${port}`,
      "--inspector-port=0",
      "--show-interactive-dev-session=false",
      `--persist-to=${join(dir, "state")}`,
    ],
    {
      cwd: root,
      // A group of its own: what wrangler starts is killed with it.
      detached: true,
      env: {
        ...process.env,
        WRANGLER_SEND_METRICS: "false",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
        // As `npm run edge`: see there.
        X_LOCAL_OBSERVABILITY: process.env["X_LOCAL_OBSERVABILITY"] ?? "false",
        NO_COLOR: "1",
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const said: string[] = [];
  const ready = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      said.push(String(chunk));
      if (said.join("").includes("Ready on")) ready.resolve();
    });
  child.once("exit", (code) =>
    ready.reject(new Error(`wrangler ended with ${code}: ${said.join("").slice(-2_000)}`)),
  );
  await ready.promise;
  const { pid } = child;
  if (pid === undefined) throw new Error("wrangler has no process id");
  return {
    url: `http://127.0.0.1:${port}`,
    groupId: pid,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      process.kill(-pid, "SIGKILL");
      await exit;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
