import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { start } from "../harness/processes.ts";
import { freePort } from "../harness/ports.ts";
import { scratch } from "../harness/machine.ts";
import type { Workflows } from "./run.ts";

const service = fileURLToPath(new URL("./restate-service.ts", import.meta.url));

/**
 * Restate with its own defaults: server and service are processes of their own, as they are in production; logging is
 * off.
 */
export async function restate(): Promise<Workflows> {
  const dir = scratch("restate");
  const require = createRequire(new URL("../peers/package.json", import.meta.url));
  const binary = require.resolve("@restatedev/restate-server-linux-x64/bin/restate-server");
  const [admin, ingress, fabric, port] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const env = {
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
    RESTATE_BIND_ADDRESS: `127.0.0.1:${fabric}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${fabric}`,
    RESTATE_LOG_FILTER: "warn,restate_server=info,restate_node=info,restate_admin=info",
    RESTATE_LOG_DISABLE_ANSI_CODES: "true",
    DO_NOT_TRACK: "1",
  };
  const server = await start(binary, ["--base-dir", dir.path], /./, { env, cwd: dir.path });
  const worker = await start(process.execPath, [service], /^listening/, {
    env: { PORT: String(port), RESTATE_LOGGING: "ERROR" },
  });
  await register(`http://127.0.0.1:${admin}/deployments`, `http://127.0.0.1:${port}`);
  return {
    async run() {
      const response = await fetch(`http://127.0.0.1:${ingress}/fan/run`, { method: "POST" });
      if (!response.ok) throw new Error(`restate: ${response.status} ${await response.text()}`);
      return Number(await response.text());
    },
    async stop() {
      await worker.kill();
      await server.kill();
      dir.remove();
    },
  };
}

/** The server takes deployments some time after its start: asked until it does, for 30 s. */
async function register(url: string, uri: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ uri }),
      });
      if (response.ok) return;
      if (tries > 60) throw new Error(`restate: ${response.status} ${await response.text()}`);
    } catch (error) {
      if (tries > 60) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
