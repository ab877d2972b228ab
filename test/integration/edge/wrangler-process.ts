import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

/** `wrangler dev` in a process of its own, as a person starts it. */
export interface WranglerProcess {
  readonly url: string;
  /** SIGKILL of wrangler and of all it has started. */
  kill(): Promise<void>;
}

/** Starts Workers over a folder where they keep what they store, and waits until the first of them answers. */
export async function startWrangler(
  configs: readonly string[],
  folder: string,
): Promise<WranglerProcess> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      join(ROOT, "node_modules/wrangler/bin/wrangler.js"),
      "dev",
      ...configs.map((path) => `--config=${path}`),
      `--persist-to=${folder}`,
      "--ip=127.0.0.1",
      `--port=${port}`,
      "--inspector-port=0",
      "--show-interactive-dev-session=false",
    ],
    {
      cwd: ROOT,
      // A group of its own: what it starts dies with it.
      detached: true,
      env: {
        ...process.env,
        WRANGLER_SEND_METRICS: "false",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
        NO_COLOR: "1",
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const said: string[] = [];
  child.stdout.on("data", (chunk) => said.push(String(chunk)));
  child.stderr.on("data", (chunk) => said.push(String(chunk)));
  const url = `http://127.0.0.1:${port}`;
  await untilReady(child, url, said);
  return {
    url,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const exit = once(child, "exit");
      process.kill(-child.pid, "SIGKILL");
      await exit;
    },
  };
}

async function untilReady(child: ChildProcess, url: string, said: string[]): Promise<void> {
  for (;;) {
    if (child.exitCode !== null)
      throw new Error(`wrangler ended with ${child.exitCode}: ${said.join("")}`);
    try {
      // oxlint-disable-next-line no-await-in-loop -- It looks again and again.
      if ((await fetch(`${url}/healthz`)).ok) return;
    } catch {
      // Not yet.
    }
    // oxlint-disable-next-line no-await-in-loop
    await new Promise<void>((resolve) => void setTimeout(resolve, 50));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
