import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo } from "node:net";

import { afterEach, expect, test } from "vitest";

import { startFakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { readSettings } from "../../../src/hosts/embedded/config.ts";
import { openEmbedded, type Embedded } from "../../../src/hosts/embedded/embedded.ts";
import { modelWords } from "../../../src/tasks/queue-report.ts";
import { engineDesk } from "../../../src/tasks/engine-desk.ts";
import { dataFolder, quietLog } from "../engine/workbench.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function errandOn(modelUrl: string): Promise<Embedded> {
  const { dir, remove } = dataFolder();
  closing.push(remove);
  const env = { ERRAND_DATA_DIR: dir, ERRAND_MODEL_BASE_URL: modelUrl };
  const errand = await openEmbedded(await readSettings(env, dir), { log: quietLog() });
  closing.push(() => errand.stop(0));
  return errand;
}

/** What the assistant says of the model. */
function said({ engine }: Embedded): string {
  return modelWords(engineDesk(() => engine).chatModel());
}

test("[HOST4] a model server that takes connections and never answers delays no start", async () => {
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(silent, "listening");
  closing.push(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const before = performance.now();
  const errand = await errandOn(`http://127.0.0.1:${port}/v1`);
  expect(performance.now() - before).toBeLessThan(2_500);
  expect(errand.models.status).toMatchObject({
    connected: false,
    note: `Looking for a model at http://127.0.0.1:${port}/v1.`,
  });
  await expect
    .poll(() => errand.models.status.note, { timeout: 10_000 })
    .toMatch(/^Not connected: .* did not answer within 3 s/);
});

test("[HOST5] what is said of the model is true when it goes and when it comes back", async () => {
  const model = await startFakeModel();
  const errand = await errandOn(model.baseUrl);
  await expect.poll(() => errand.models.status.connected).toBe(true);
  expect(said(errand)).toMatch(/is connected/);

  await model.close();
  // A call is the first to see it; it is tried again until the model is back.
  const generated = errand.engine.run("generate", { prompt: "hello" });
  await expect.poll(() => errand.models.status.connected, { timeout: 10_000 }).toBe(false);
  expect(errand.models.status.note).toMatch(/^Not connected: .*ECONNREFUSED/);
  expect(said(errand)).toMatch(/does not answer .*waits until it does/);

  const again = await startFakeModel({ port: Number(new URL(model.baseUrl).port) });
  closing.push(() => again.close());
  await expect.poll(() => errand.models.status.connected, { timeout: 30_000 }).toBe(true);
  expect(said(errand)).toMatch(/is connected/);
  expect(await generated).toMatchObject({ status: "completed" });
});

test("[HOST2] a configured endpoint is never sent the environment's key", async () => {
  const heard: (string | undefined)[] = [];
  const server = createHttpServer((request, response) => {
    heard.push(request.headers.authorization);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ object: "list", data: [{ id: "m", object: "model" }] }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const { dir, remove } = dataFolder();
  closing.push(remove);
  const settings = await readSettings(
    { ERRAND_DATA_DIR: dir, ERRAND_MODEL_API_KEY: "sk-env" },
    dir,
  );
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  const config = { endpoints: [{ name: "one", baseUrl }] };
  const errand = await openEmbedded({ ...settings, config }, { log: quietLog() });
  closing.push(() => errand.stop(0));
  await expect.poll(() => errand.models.status.connected).toBe(true);
  expect(new Set(heard)).toEqual(new Set([undefined]));
});
