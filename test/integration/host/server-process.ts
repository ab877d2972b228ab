import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../../../src/cli.ts", import.meta.url));

/** A server in a process of its own, as a person starts it. */
export interface ServerProcess {
  readonly url: string;
  readonly process: ChildProcess;
  /** SIGKILL: nothing of it gets a chance to tidy up. */
  kill(): Promise<void>;
  /** SIGTERM, as a service manager stops it; answers the exit code. */
  terminate(): Promise<number | null>;
}

/** Starts `errand serve` over a data folder and waits until it says that it is ready; `program` is another build of it. */
export async function startServer(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
  program = cli,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [program, "serve"], {
    cwd: dataDir,
    env: { ...process.env, ERRAND_DATA_DIR: dataDir, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  child.stderr.on("data", (chunk) => said.push(String(chunk)));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      said.push(String(chunk));
      const ready = /ready at (http:\S+)/.exec(said.join(""));
      if (ready?.[1] !== undefined) resolve(ready[1]);
    });
    child.once("exit", (code) =>
      reject(new Error(`the server ended with ${code} before it was ready: ${said.join("")}`)),
    );
  });
  const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
    return child.exitCode;
  };
  return {
    url,
    process: child,
    kill: async () => void (await end("SIGKILL")),
    terminate: () => end("SIGTERM"),
  };
}

/** JSON of an answer; throws with its text if it is not 2xx. */
export async function json(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text);
}

/** A POST of JSON. */
export function post(body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}
