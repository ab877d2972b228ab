/** Runs tools as child processes that never outlive this one. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The repository's root folder. */
export const ROOT: string = join(import.meta.dirname, "..");

const MODULES = join(ROOT, "node_modules");
/** Tools whose package has another name. */
const TOOL_PACKAGES: Record<string, string> = { tsc: "typescript" };
const running = new Set<ChildProcess>();
let exitHandled = false;

/** Runs a command in the root folder, output shown; resolves to its exit code (1 when it cannot start). */
export function run(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  killChildrenOnExit();
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      // A group of its own, so that the workers of a tool die with it. The terminal's Ctrl-C reaches only us.
      detached: true,
      env: {
        ...process.env,
        PATH: `${join(MODULES, ".bin")}${delimiter}${process.env["PATH"]}`,
        ...env,
      },
      stdio: ["ignore", "inherit", "inherit"],
    });
    running.add(child);
    const settle = (code: number): void => {
      running.delete(child);
      // What a tool left running is killed too: a test's forgotten server would hold its port for the next suite.
      killGroup(child);
      resolve(code);
    };
    child.on("error", (error) => {
      console.error(`cannot run ${command}: ${error.message}`);
      settle(1);
    });
    child.on("exit", (code) => settle(code ?? 1));
  });
}

/** Runs a tool of node_modules under the Node that runs this script, whatever PATH says. */
export function runTool(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  return run(process.execPath, [toolPath(name), ...args], env);
}

function toolPath(name: string): string {
  const folder = join(MODULES, TOOL_PACKAGES[name] ?? name);
  const manifest: { bin: Record<string, string> } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  );
  const path = manifest.bin[name];
  if (path === undefined) throw new Error(`the package of ${name} has no such command`);
  return join(folder, path);
}

function killChildrenOnExit(): void {
  if (exitHandled) return;
  exitHandled = true;
  process.on("exit", killChildren);
  for (const [signal, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
    ["SIGHUP", 1],
  ] as const) {
    process.on(signal, () => process.exit(128 + number));
  }
}

function killChildren(): void {
  for (const child of running) killGroup(child);
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}
