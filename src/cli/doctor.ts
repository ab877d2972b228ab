import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  closeSync,
  fdatasyncSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";

import { DatabaseSync } from "node:sqlite";

import { defineCommand, type CommandDef } from "citty";

import { checkSqliteVersion } from "../adapters/node-sqlite/node-driver.ts";
import { databaseName } from "../adapters/node-sqlite/node-store.ts";
import { readSettings, type HostSettings } from "../hosts/embedded/config.ts";
import { jsonArg } from "./connection.ts";

/** One look at the machine. `fail` keeps Errand from working, `warn` makes it worse than it could be. */
interface Finding {
  readonly check: string;
  readonly is: "ok" | "warn" | "fail";
  readonly says: string;
}

/** Below this much room on the disk a warning is given. */
const roomBytesMin = 1024 ** 3;
/** A flush slower than this bounds how fast anything is accepted. */
const slowFlushMs = 5;
const flushes = 21;
const askMs = 3_000;

const doctorArgs: { readonly json: typeof jsonArg } = { json: jsonArg };

/** `errand doctor`: why it does not start, or is slow, in words that say what to do. */
export const doctor: CommandDef<typeof doctorArgs> = defineCommand({
  meta: {
    name: "doctor",
    description: "Check Node, the settings, the data folder, its disk, the port and the model",
  },
  args: doctorArgs,
  async run({ args }) {
    const findings = await examine(process.env, process.cwd());
    for (const finding of findings)
      process.stdout.write(args.json === true ? `${JSON.stringify(finding)}\n` : lineOf(finding));
    if (findings.some(({ is }) => is === "fail")) process.exitCode = 1;
  },
});

const signs = { ok: "ok  ", warn: "WARN", fail: "FAIL" } as const;

function lineOf({ check, is, says }: Finding): string {
  return `${signs[is]}  ${check.padEnd(9)} ${says}\n`;
}

async function examine(env: NodeJS.ProcessEnv, cwd: string): Promise<readonly Finding[]> {
  const node = await lookedAt("node", nodeFinding);
  let settings: HostSettings;
  try {
    settings = await readSettings(env, cwd);
  } catch (error) {
    return [node, { check: "settings", is: "fail", says: wordsOf(error) }];
  }
  return [
    node,
    { check: "settings", is: "ok", says: settingsWords(settings) },
    await lookedAt("data", () => dataFinding(settings)),
    await lookedAt("disk", () => diskFinding(settings)),
    await lookedAt("port", () => portFinding(settings)),
    ...(await modelFindings(settings)),
  ];
}

/** A look that fails is a finding too. */
async function lookedAt(
  check: string,
  look: () => Omit<Finding, "check"> | Promise<Omit<Finding, "check">>,
): Promise<Finding> {
  try {
    return { check, ...(await look()) };
  } catch (error) {
    return { check, is: "fail", says: wordsOf(error) };
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function nodeFinding(): Omit<Finding, "check"> {
  const database = new DatabaseSync(":memory:");
  const row = database.prepare("SELECT sqlite_version() AS version").get();
  database.close();
  const sqlite = String(row?.["version"]);
  checkSqliteVersion(sqlite);
  return { is: "ok", says: `${process.version} with SQLite ${sqlite}` };
}

function settingsWords({ host, port, adminKey, config }: HostSettings): string {
  const types = config.tasks?.length ?? 0;
  return `${host}:${port}, keys ${adminKey === null ? "off" : "on"}, ${types} task types of your own`;
}

function dataFinding({ dataDir }: HostSettings): Omit<Finding, "check"> {
  if (!existsSync(dataDir)) {
    accessSync(existingParent(dataDir), constants.W_OK);
    return { is: "ok", says: `${dataDir} will be made at the first start` };
  }
  accessSync(dataDir, constants.R_OK | constants.W_OK);
  const database = existsSync(join(dataDir, databaseName));
  const key = existsSync(join(dataDir, "key"));
  const elsewhere =
    process.env["ERRAND_KEY"] !== undefined || process.env["ERRAND_KEY_FILE"] !== undefined;
  if (database && !key && !elsewhere) {
    return {
      is: "fail",
      says: `${dataDir} has a database and no key: put its key file back, or set ERRAND_KEY; without it the data cannot be read`,
    };
  }
  if (key && (statSync(join(dataDir, "key")).mode & 0o077) !== 0)
    return { is: "warn", says: `others may read the key: chmod 600 ${join(dataDir, "key")}` };
  return { is: "ok", says: `${dataDir}${database ? "" : " (empty)"}; back it up with its key` };
}

function existingParent(path: string): string {
  const parent = dirname(path);
  return existsSync(parent) || parent === path ? parent : existingParent(parent);
}

/** Room, and how long a flush takes: every accepted task waits for one. */
function diskFinding({ dataDir }: HostSettings): Omit<Finding, "check"> {
  const place = existsSync(dataDir) ? dataDir : existingParent(dataDir);
  const { bavail, bsize } = statfsSync(place);
  const room = bavail * bsize;
  const ms = flushMs(place);
  const says = `${(room / 1024 ** 3).toFixed(1)} GB free, a flush takes ${ms.toFixed(2)} ms`;
  if (room < roomBytesMin) return { is: "warn", says: `${says}: nearly full` };
  if (ms > slowFlushMs)
    return { is: "warn", says: `${says}: a slow disk; move ERRAND_DATA_DIR to a local SSD` };
  return { is: "ok", says };
}

function flushMs(place: string): number {
  const folder = mkdtempSync(join(place, ".errand-doctor-"));
  const file = openSync(join(folder, "flush"), "w");
  try {
    const times = Array.from({ length: flushes }, () => {
      writeSync(file, new Uint8Array(4_096));
      const startedMs = performance.now();
      fdatasyncSync(file);
      return performance.now() - startedMs;
    });
    return times.toSorted((a, b) => a - b)[flushes >> 1] ?? 0;
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}

async function portFinding({ host, port }: HostSettings): Promise<Omit<Finding, "check">> {
  const code = await bindError(host, port);
  if (code === null) return { is: "ok", says: `${port} is free` };
  if (code !== "EADDRINUSE")
    return { is: "fail", says: `${host}:${port} cannot be bound: ${code}` };
  const answer = await asked(`http://${host}:${port}/healthz`).catch(() => null);
  if (answer !== null && answer.ok) return { is: "ok", says: `a server answers at ${port}` };
  return { is: "fail", says: `another program has ${port}; stop it, or choose one with PORT=8788` };
}

function bindError(host: string, port: number): Promise<string | null> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error) => resolve("code" in error ? String(error.code) : error.message));
    server.listen(port, host, () => server.close(() => resolve(null)));
  });
}

async function modelFindings(settings: HostSettings): Promise<readonly Finding[]> {
  const { modelBaseUrl, modelApiKey, config } = settings;
  const own = (config.endpoints ?? []).map(({ name, baseUrl, apiKey }) => ({
    name,
    baseUrl,
    apiKey: apiKey ?? null,
  }));
  const wanted =
    modelBaseUrl === null
      ? own
      : [{ name: "default", baseUrl: modelBaseUrl, apiKey: modelApiKey }, ...own];
  if (wanted.length === 0) return [await usualModels()];
  return await Promise.all(
    wanted.map((endpoint) => lookedAt("model", async () => await modelFinding(endpoint))),
  );
}

/** Where LM Studio and Ollama listen. */
const usual = ["http://127.0.0.1:1234/v1", "http://127.0.0.1:11434/v1"];

async function usualModels(): Promise<Finding> {
  for (const baseUrl of usual) {
    const found = await modelFinding({ name: "found", baseUrl, apiKey: null }).catch(() => null);
    if (found !== null) return { check: "model", ...found };
  }
  return {
    check: "model",
    is: "warn",
    says: "none: the built-in assistant answers. Start LM Studio or Ollama, or set ERRAND_MODEL_BASE_URL",
  };
}

async function modelFinding({
  baseUrl,
  apiKey,
}: {
  readonly name: string;
  readonly baseUrl: string;
  readonly apiKey: string | null;
}): Promise<Omit<Finding, "check">> {
  const headers = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  const answer = await asked(`${baseUrl.replace(/\/$/, "")}/models`, headers).catch(
    (error: unknown) => {
      throw new Error(`${baseUrl} does not answer (${wordsOf(error)}): is it running?`);
    },
  );
  if (answer.status === 401 || answer.status === 403)
    return { is: "fail", says: `${baseUrl} wants a key: set ERRAND_MODEL_API_KEY` };
  if (!answer.ok)
    return {
      is: "fail",
      says: `${baseUrl}/models answers ${answer.status}: does the URL end in /v1?`,
    };
  const body: unknown = await answer.json();
  const models =
    typeof body === "object" && body !== null && "data" in body && Array.isArray(body.data)
      ? body.data.map((model: { readonly id?: unknown }) => String(model.id))
      : [];
  if (models.length === 0) return { is: "warn", says: `${baseUrl} has no model loaded: load one` };
  const more = models.length > 3 ? ` and ${models.length - 3} more` : "";
  return { is: "ok", says: `${baseUrl} serves ${models.slice(0, 3).join(", ")}${more}` };
}

function asked(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(url, { headers, signal: AbortSignal.timeout(askMs) });
}
