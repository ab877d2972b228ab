import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { ErrandError } from "../../core/errors.ts";
import { workersAiIds } from "./llm-worker/workers-ai-ids.ts";
import { readEdgeSettings, type EdgeEnv } from "./settings.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Settings look at variables only.
const env = (vars: Record<string, string>): EdgeEnv => vars as unknown as EdgeEnv;
const keys = { ERRAND_ADMIN_KEY: "an-admin-key-that-is-long", ERRAND_KEY: "07".repeat(32) };

function refusal(vars: Record<string, string>): string {
  try {
    readEdgeSettings(env(vars));
  } catch (error) {
    if (error instanceof ErrandError && error.code === "unavailable") return error.message;
    throw error;
  }
  throw new Error("it was not refused");
}

test("[HOME8] outside development a Worker needs both keys, and says how to set them", () => {
  for (const ENVIRONMENT of ["production", "staging", "", "Development"]) {
    expect(refusal({ ENVIRONMENT })).toContain("wrangler secret put ERRAND_ADMIN_KEY");
    const half = { ENVIRONMENT, ERRAND_ADMIN_KEY: keys.ERRAND_ADMIN_KEY };
    expect(refusal(half)).toContain("wrangler secret put ERRAND_KEY");
    expect(readEdgeSettings(env({ ENVIRONMENT, ...keys }))).toMatchObject({
      isDevelopment: false,
      adminKey: keys.ERRAND_ADMIN_KEY,
      model: null,
    });
  }
});

test("[HOME8] development needs nothing; what is set wrong is refused by name all the same", () => {
  const dev = { ENVIRONMENT: "development" };
  expect(readEdgeSettings(env(dev))).toMatchObject({ isDevelopment: true, adminKey: null });
  expect(refusal({ ...dev, ERRAND_ADMIN_KEY: "short" })).toContain("ERRAND_ADMIN_KEY");
  expect(refusal({ ...dev, ERRAND_KEY: "nonsense" })).toContain("ERRAND_KEY");
  expect(refusal({ ...dev, ERRAND_MODEL_BASE_URL: "no url" })).toContain("ERRAND_MODEL_BASE_URL");
  const url = { ERRAND_MODEL_BASE_URL: "http://127.0.0.1:1234/v1" };
  expect(refusal({ ...dev, ...url, ERRAND_MODEL_SLOTS: "0" })).toContain("ERRAND_MODEL_SLOTS");
});

test("[HOME8] OPENAI_API_KEY counts where ERRAND_MODEL_API_KEY is not set, and roles come by name", () => {
  const vars = {
    ENVIRONMENT: "development",
    ERRAND_MODEL_BASE_URL: "https://api.openai.com/v1",
    OPENAI_API_KEY: "sk-open",
    ERRAND_ROLE_PLANNER: "big",
  };
  expect(readEdgeSettings(env(vars)).model).toEqual({
    provider: "openai",
    baseUrl: "https://api.openai.com/v1",
    apiKey: "sk-open",
    slots: 1,
    requestsPerMinute: null,
    roles: { chat: "auto", planner: "big" },
  });
  const own = { ...vars, ERRAND_MODEL_API_KEY: "sk-own" };
  expect(readEdgeSettings(env(own)).model?.apiKey).toBe("sk-own");
});

test("[WAI1] Workers AI serves what is bound and not served otherwise; ids come from one file and may be changed", () => {
  const dev = { ENVIRONMENT: "development" };
  const run = (): Promise<unknown> => Promise.resolve(null);
  const bound = (vars: Record<string, string>): EdgeEnv => ({
    ...env({ ...dev, ...vars }),
    AI: { run },
  });
  const { model } = readEdgeSettings(bound({ ERRAND_ROLE_WORKER: "@cf/small" }));
  expect(model).toMatchObject({
    provider: "workers-ai",
    baseUrl: null,
    slots: 8,
    requestsPerMinute: 300,
    roles: { ...workersAiIds, worker: "@cf/small" },
  });
  const url = { ERRAND_MODEL_BASE_URL: "http://127.0.0.1:1234/v1" };
  expect(readEdgeSettings(bound(url)).model).toMatchObject({ provider: "openai", slots: 1 });
  const both = bound({ ...url, ERRAND_MODEL_PROVIDER: "workers-ai" });
  expect(readEdgeSettings(both).model).toMatchObject({ provider: "workers-ai", baseUrl: null });
});

test("[LLM1] an llm-worker knows its models itself; what does not fit is refused by name", () => {
  const dev = { ENVIRONMENT: "development" };
  const fetch = (): Promise<Response> => Promise.resolve(new Response());
  const away = (vars: Record<string, string>): EdgeEnv => ({
    ...env({ ...dev, ...vars }),
    LLM_WORKER: { fetch },
  });
  expect(readEdgeSettings(away({})).model).toMatchObject({ provider: "openai", baseUrl: null });
  const ai = readEdgeSettings(away({ ERRAND_MODEL_PROVIDER: "workers-ai" })).model;
  expect(ai).toMatchObject({ provider: "workers-ai", roles: workersAiIds });
  const url = { ERRAND_MODEL_BASE_URL: "http://127.0.0.1:1234/v1" };
  expect(refusal({ ...dev, ...url, ERRAND_MODEL_PROVIDER: "mine" })).toContain(
    "openai or workers-ai",
  );
  expect(refusal({ ...dev, ...url, ERRAND_MODEL_PROVIDER: "workers-ai" })).toContain(
    "AI is not bound",
  );
});

test("[WAI1] model ids of Workers AI stand in one file", () => {
  const files = readdirSync("src", { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => !/\.test\.|fake-model/.test(path));
  const naming = files.filter((path) => readFileSync(path, "utf8").includes("@cf/"));
  expect(naming).toEqual([join("src/hosts/edge/llm-worker", "workers-ai-ids.ts")]);
});
