import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { startFakeModel, type FakeModel } from "../../fake-model/index.ts";

const cli = fileURLToPath(new URL("../../../src/cli.ts", import.meta.url));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `errand bench ...` as a person does. */
function bench(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly child: ChildProcess; readonly ran: Promise<Ran> } {
  const { ERRAND_MODEL_BASE_URL: _url, ERRAND_MODEL_API_KEY: _key, ...rest } = process.env;
  const child = spawn(process.execPath, [cli, "bench", ...args], {
    env: { ...rest, NO_COLOR: "1", ...env },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => (out += String(chunk)));
  child.stderr.on("data", (chunk) => (err += String(chunk)));
  const ran = once(child, "close").then(([code]) => ({ code: Number(code), out, err }));
  return { child, ran };
}

async function withModel<T>(
  options: Parameters<typeof startFakeModel>[0],
  use: (model: FakeModel) => Promise<T>,
): Promise<T> {
  const model = await startFakeModel(options);
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

const positive = (value: unknown): boolean => Number.isFinite(value) && Number(value) > 0;

test("[CLI16] an endpoint is measured: finite figures, calls at once as asked, settings to paste, no key in them", async () => {
  await withModel({ ttftMs: 20, tokensPerSecond: 150, slots: 2 }, async (model) => {
    const { code, out, err } = await bench([
      model.baseUrl,
      "--json",
      "--slots-max",
      "2",
      "--model",
      "fake-small",
      "--key",
      "secret-1",
    ]).ran;
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining("at once") });
    const found = JSON.parse(out);
    expect(found).toMatchObject({ endpoint: model.baseUrl, model: "fake-small" });
    expect(found.resumes).toBe("prefill");
    expect([found.firstCallMs, found.prompt.tokensPerSecond].every(positive)).toBe(true);
    expect(found.slots.levels.map(({ calls }: { calls: number }) => calls)).toEqual([1, 2]);
    const speeds = found.slots.levels.map(
      ({ tokensPerSecond }: { tokensPerSecond: number }) => tokensPerSecond,
    );
    expect(speeds.every(positive)).toBe(true);
    const tokens = found.prompt.samples.map(({ tokens: of }: { tokens: number }) => of);
    expect(tokens.length).toBeGreaterThanOrEqual(2);
    expect(tokens.at(-1)).toBeGreaterThan(4 * tokens[0]);
    expect(found.settings).toMatchObject({ baseUrl: model.baseUrl, resumes: "prefill" });
    expect([1, 2]).toContain(found.settings.slots);
    expect(Number.isInteger(found.settings.promptTokensPerSecond)).toBe(true);
    expect(Number.isInteger(found.settings.decodeTokensPerSecond)).toBe(true);
    expect(out + err).not.toContain("secret-1");
    expect(model.load()).toEqual({ runningMax: 2, waiting: 0 });
    // The first call and the prompts, one answer alone, one and two at once, one try of a partial answer.
    const calls = 1 + tokens.length + 1 + 3 + 1;
    expect(model.log().map(({ aborted, status }) => ({ aborted, status }))).toEqual(
      Array.from({ length: calls }, () => ({ aborted: false, status: 200 })),
    );
  });
});

test("[CLI16] without --json there is a table and a text for errand.config.ts; the endpoint may come from the environment", async () => {
  await withModel({ goesOn: "anew", models: ["embed-1", "chat-1"] }, async (model) => {
    const { code, out } = await bench(["--slots-max", "1"], {
      ERRAND_MODEL_BASE_URL: model.baseUrl,
      ERRAND_MODEL_API_KEY: "secret-2",
    }).ran;
    expect(code).toBe(0);
    expect(out).toMatch(/^MODEL +chat-1$/m);
    expect(out).toMatch(/^SLOTS +1$/m);
    expect(out).toContain(`      baseUrl: ${JSON.stringify(model.baseUrl)},\n`);
    expect(out).toContain('      apiKey: process.env["ERRAND_MODEL_API_KEY"] ?? "",\n');
    expect(out).toMatch(
      /slots: 1,\n +promptTokensPerSecond: \d+,\n +decodeTokensPerSecond: \d+,\n +resumes: null,/,
    );
    expect(out).not.toContain("secret-2");
  });
});

test("[CLI17] no endpoint, no server, a wrong number and no model are each told with what to do", async () => {
  await withModel({ models: [] }, async (empty) => {
    for (const [args, words] of [
      [[], "say which endpoint to measure: errand bench http"],
      [["nonsense"], "base URL must look like"],
      [["http://127.0.0.1:9/v1"], "is it running?"],
      [
        ["http://127.0.0.1:9/v1", "--slots-max", "0"],
        '--slots-max must be a whole number 1..64, got "0"',
      ],
      [[empty.baseUrl], "has no model: load one"],
      [[empty.baseUrl, "--model", "x"], 'has no model "x"; there are: none'],
      [[empty.url], "does the URL end in /v1?"],
      [["--fast"], 'errand bench has no flag "--fast"'],
    ] as const) {
      const refused = await bench(args).ran;
      expect(refused).toMatchObject({ code: 1, out: "" });
      expect(refused.err).toContain(words);
    }
  });
});

test("[CLI17] a refused key is told, and the key of one endpoint goes to no other", async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(401, { "content-type": "application/json" });
    response.end('{"error":{"message":"no"}}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/v1`;
  try {
    const other = { ERRAND_MODEL_BASE_URL: "http://127.0.0.1:9/v1", ERRAND_MODEL_API_KEY: "k1" };
    const refused = await bench([url], other).ran;
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("--key") });
    await bench([url], { ...other, ERRAND_MODEL_BASE_URL: url }).ran;
    await bench([url, "--key", "k2"], other).ran;
    expect(seen).toEqual([undefined, "Bearer k1", "Bearer k2"]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("[CLI17] Ctrl-C closes the call and ends it with 130 and no result", async () => {
  await withModel({ ttftMs: 3_600_000 }, async (model) => {
    const { child, ran } = bench([model.baseUrl]);
    await model.find(({ startedAtMs }) => startedAtMs !== undefined);
    child.kill("SIGINT");
    expect(await ran).toMatchObject({
      code: 130,
      out: "",
      err: expect.stringContaining("stopped"),
    });
    expect(await model.find(({ aborted }) => aborted)).toMatchObject({ aborted: true });
  });
});
