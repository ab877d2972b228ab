import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { buildServer } from "../../../scripts/build-server.ts";
import { buildWeb } from "../../../scripts/build-web.ts";
import { createClient } from "../../../src/client/index.ts";
import { dataFolder } from "../engine/workbench.ts";
import { startServer, type ServerProcess } from "./server-process.ts";

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

describe("the server that npm start runs", () => {
  const folder = dataFolder();
  let server: ServerProcess;

  beforeAll(async () => {
    await buildWeb();
    await buildServer();
    writeFileSync(
      join(folder.dir, "errand.config.ts"),
      `import { defineConfig, defineTask, ErrandError, FatalError } from ${JSON.stringify(at("src/index.ts"))};
import { isolatedSteps } from ${JSON.stringify(at("test/integration/engine/isolated-tasks.ts"))};
const refuses = defineTask("refuses", { retry: { attemptsMax: 3 } }, () => {
  throw new FatalError("never again");
});
const stack = defineTask("stack", {}, () => new ErrandError("fatal", "where").stack ?? "");
export default defineConfig({ tasks: [refuses, stack, isolatedSteps] });
`,
    );
    server = await startServer(folder.dir, {}, at("dist/server/errand.js"));
  });

  afterAll(async () => {
    await server.kill();
    folder.remove();
  });

  /** Runs a task to its end. */
  async function run(type: string, input: unknown): Promise<unknown> {
    const client = createClient({ baseUrl: server.url });
    const { task } = await client.tasks.submit({ type, input });
    for await (const _ of client.follow(task.id));
    return await client.tasks.get(task.id);
  }

  test("[HOST10] an error class of the configuration is the server's own: a FatalError is not tried again", async () => {
    expect(await run("refuses", null)).toMatchObject({ status: "failed", retryCount: 0 });
    expect(await run("stack", null)).toMatchObject({
      status: "completed",
      output: expect.stringContaining("dist/server"),
    });
  });

  test("[HOST10] an isolated handler is found beside its source", async () => {
    expect(await run("isolated", { add: 4 })).toMatchObject({ status: "completed", output: 7 });
  });

  test("[HOST10] the page is served", async () => {
    expect(await (await fetch(server.url)).text()).toMatch(/<html/);
  });
});
