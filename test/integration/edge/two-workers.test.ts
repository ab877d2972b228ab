import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { startFakeModel, type FakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { writeLocalConfigs } from "../../../scripts/edge/local-configs.ts";
import { json, post } from "../host/server-process.ts";
import { edgeFolder, startWorkers, type EdgeFolder, type EdgeProcess } from "./wrangler-process.ts";

let folder: EdgeFolder;
let model: FakeModel;
let workers: EdgeProcess;

beforeAll(async () => {
  folder = await edgeFolder();
  model = await startFakeModel({ tokensPerSecond: 500 });
  const configs = writeLocalConfigs(join(folder.dir, "configs"), {
    llmWorker: true,
    aiStandIn: false,
    vars: { ERRAND_WORKFLOWS: "orchestrate", ERRAND_ROLE_CHAT: "fake-model" },
    modelVars: { ERRAND_MODEL_BASE_URL: model.baseUrl, OPENAI_API_KEY: "sk-only-there" },
    assets: folder.dir,
  });
  workers = await startWorkers(folder, configs);
}, 120_000);

afterAll(async () => {
  await workers.kill();
  await model.close();
  await folder.remove();
});

interface Task {
  readonly id: string;
  readonly status: string;
  readonly attempts: number;
  readonly partial: string | null;
  readonly output: { readonly text: string } | null;
}

async function submit(prompt: string): Promise<string> {
  const made = await json(
    `${workers.url}/api/tasks`,
    post({ type: "generate", input: { prompt } }),
  );
  return (made as Task).id;
}

async function until<T>(look: () => Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- One look after the other.
    const seen = await look();
    if (wanted(seen)) return seen;
    // oxlint-disable-next-line no-await-in-loop
    await new Promise<void>((resolve) => void setTimeout(resolve, 20));
  }
}

const ends = ["completed", "failed", "cancelled", "expired"];
const taskNow = (id: string) => async () => (await json(`${workers.url}/api/tasks/${id}`)) as Task;
const ended = (id: string) => until(taskNow(id), ({ status }) => ends.includes(status));

test("[LLM1] a Worker without a key is answered through the llm-worker, which has it", async () => {
  const id = await submit("[[say Grüße aus dem zweiten Worker]]");
  expect(await ended(id)).toMatchObject({
    status: "completed",
    output: { text: "Grüße aus dem zweiten Worker" },
  });
  const overview = await json(`${workers.url}/api/overview`);
  expect(overview).toMatchObject({ model: { connected: true, baseUrl: null } });
});

test("[LLM3] a cancel closes the socket between the llm-worker and the model", async () => {
  const id = await submit("[[repeat 100000 word]] cancelled");
  await until(taskNow(id), ({ partial }) => (partial ?? "").length > 20);
  await json(`${workers.url}/api/tasks/${id}/cancel`, post({}));
  const record = await model.find(
    ({ prompt, endedAtMs }) => prompt.includes("cancelled") && endedAtMs !== undefined,
  );
  expect(record.aborted).toBe(true);
  expect(await ended(id)).toMatchObject({ status: "cancelled" });
});

test("[LLM2] an answer that breaks off behind the llm-worker is made again, and nothing is spliced", async () => {
  const id = await submit("[[repeat 40 word]] [[fault cut afterTokens=10 times=1]] again");
  const words = Array.from({ length: 40 }, () => "word").join(" ");
  expect(await ended(id)).toMatchObject({ status: "completed", output: { text: words } });
});

test("[FLOW1] an orchestration on Workflows calls its models through the llm-worker", async () => {
  const prompt = "[[subtasks 2]] Build it";
  const { id } = (await json(`${workers.url}/`, post({ prompt }))) as Task;
  const done = await ended(id);
  expect(done).toMatchObject({ status: "completed", attempts: 1 });
  expect(await json(`${workers.url}/${id}`)).toMatchObject({
    status: { status: "complete", subtasks: [{ state: "completed" }, { state: "completed" }] },
  });
});
