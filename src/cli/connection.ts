import {
  createClient,
  explainFailure,
  inOneLine,
  RequestFailed,
  type ErrandClient,
  type Failure,
} from "../client/index.ts";
import { write } from "./words.ts";

/** The flag that names the server. */
export const urlArg = {
  type: "string",
  description:
    "Server to speak to, with the key of ERRAND_API_KEY (default: ERRAND_URL, or http://127.0.0.1:PORT)",
} as const;

/** The flag that asks for JSON. */
export const jsonArg = { type: "boolean", description: "Print JSON, one document a line" } as const;

/** Base URL of the server: the flag, `ERRAND_URL`, or this machine's at `PORT`. */
export function serverUrl(flag: string | undefined): string {
  const url =
    flag ?? process.env["ERRAND_URL"] ?? `http://127.0.0.1:${process.env["PORT"] ?? "8787"}`;
  return url.endsWith("/") ? url.slice(0, -1) : url;
}

/** A client with the key of `ERRAND_API_KEY`. Throws if what names the server is no URL. */
export function connect(flag: string | undefined): ErrandClient {
  const url = serverUrl(flag);
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    const setting = flag === undefined ? "ERRAND_URL" : "--url";
    throw new Error(`${setting} must be a URL such as http://127.0.0.1:8787, got "${url}"`);
  }
  return createClient({ baseUrl: serverUrl(flag), apiKey: process.env["ERRAND_API_KEY"] ?? null });
}

/** What helps at a terminal, where there is no page to enter a key on. */
function hintFor(failure: Failure, url: string): string {
  if (failure.kind === "network")
    return ` Is the server running at ${url}? Start it with: npm start`;
  return failure.kind === "refused" && failure.code === "unauthenticated"
    ? " The command line takes it from ERRAND_API_KEY."
    : "";
}

/** Refusals whose own words say more than their code. */
const toldByServer: readonly string[] = ["not_found", "unknown_type"];

/** Runs a command; a failure is said in one line on stderr and ends the process with code 1. */
export async function orExplain(url: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    // What a command itself complains of is not an answer of the server.
    if (!(error instanceof RequestFailed)) {
      write(process.stderr, `errand: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
      return;
    }
    const { failure } = error;
    const hint = hintFor(failure, url);
    // What the server says names the thing and what it may be; our own sentence does not know that.
    const detail =
      failure.kind === "refused" && toldByServer.includes(failure.code) && failure.detail !== ""
        ? ` ${failure.detail}`
        : "";
    write(process.stderr, `errand: ${inOneLine(explainFailure(failure))}${detail}${hint}\n`);
    process.exitCode = 1;
  }
}

/** Runs a command with a client of the server that the flag names; a failure ends it as {@link orExplain} says. */
export async function withClient(
  flag: string | undefined,
  run: (client: ErrandClient) => Promise<void>,
): Promise<void> {
  await orExplain(serverUrl(flag), async () => await run(connect(flag)));
}
