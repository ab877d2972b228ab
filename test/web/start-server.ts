import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFakeModel } from "../../src/adapters/fake-model/fake-model.ts";
import type { FakeModel } from "../../src/adapters/fake-model/fake-model.ts";
import { startServer as startProcess } from "../integration/host/server-process.ts";

/** The real server in a process of its own, with a model that does what the prompt says. */
export interface TestServer {
  /** Stays the same over restarts. */
  readonly url: string;
  /** SIGKILL: nothing of it gets a chance to tidy up. */
  kill(): Promise<void>;
  /** Starts it again over the same data. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** How a test wants the server. */
export interface TestServerOptions {
  /** False: none is connected, the built-in assistant answers. */
  readonly model?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a server for the page's journeys. Another host is tested by another body of this function. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "errand-web-"));
  const model = options.model === false ? null : await startFakeModel({ tokensPerSecond: 60 });
  const env = { PORT: String(await freePort()), ...modelEnv(model), ...options.env };
  let running = await startProcess(dataDir, env);
  return {
    url: running.url,
    kill: () => running.kill(),
    async start() {
      running = await startProcess(dataDir, env);
    },
    async close() {
      await running.kill();
      await model?.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Without a model the usual ports are still looked at; a machine that runs one would change the test. */
function modelEnv(model: FakeModel | null): Record<string, string> {
  return model === null ? {} : { ERRAND_MODEL_BASE_URL: model.baseUrl };
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
