/** Alerts of the whole server: fired once, cleared once, over kill -9, told by webhook. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, expect, test } from "vitest";

import { startFakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { readSettings } from "../../../src/hosts/embedded/config.ts";
import { dataFolder } from "../engine/workbench.ts";
import { receiver, secret } from "./receiver.ts";
import { json, post, startServer } from "./server-process.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Shown {
  readonly alerts: readonly { rule: string; subject: string; clearedAt: string | null }[];
}

test(
  "[ALERT2,ALERT3] an alert fires once over kill -9, is shown, clears once, and both are told",
  { timeout: 60_000 },
  async () => {
    const { url, got, count, distinct, close } = await receiver();
    const { dir, remove } = dataFolder();
    closing.push(close, remove);
    const config = join(dir, "config.mjs");
    writeFileSync(
      config,
      "export default { alerts: { everyMs: 20, queueDepth: 2, stuckMs: null } };",
    );
    const start = async () => {
      const server = await startServer(dir, {
        ERRAND_CONFIG: config,
        ERRAND_WEBHOOK_URL: url,
        ERRAND_WEBHOOK_SECRET: secret,
      });
      closing.push(() => server.kill());
      return server;
    };
    const first = await start();
    await json(`${first.url}/api/queues/tasks/pause`, post({}));
    for (const text of ["a", "b"])
      await json(`${first.url}/api/tasks`, post({ type: "note", input: { text } }));
    await count(1);
    expect(got[0]).toMatchObject({ type: "alert.fired", message: "2 calls wait in queue tasks" });
    const lasting = { rule: "queue_depth", subject: "tasks", clearedAt: null };
    expect((await json(`${first.url}/api/alerts`)) as Shown).toMatchObject({ alerts: [lasting] });
    await first.kill();

    const second = await start();
    expect((await json(`${second.url}/api/alerts`)) as Shown).toMatchObject({ alerts: [lasting] });
    await json(`${second.url}/api/queues/tasks/resume`, post({}));
    // Two notes and the end of the alert.
    const told = await distinct(4);
    expect(told.map(({ type }) => type).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      "alert.cleared",
      "alert.fired",
      "task.completed",
      "task.completed",
    ]);
    const { alerts } = (await json(`${second.url}/api/alerts`)) as Shown;
    expect(alerts).toMatchObject([{ ...lasting, clearedAt: expect.any(String) }]);
  },
);

test(
  "[HOST9,ALERT1] every configured endpoint is watched, and one that does not answer is told by an alert",
  { timeout: 60_000 },
  async () => {
    const model = await startFakeModel();
    const { url, got, count, close } = await receiver();
    const { dir, remove } = dataFolder();
    closing.push(() => model.close(), close, remove);
    const config = join(dir, "config.mjs");
    const endpoints = [
      { name: "near", baseUrl: model.baseUrl },
      { name: "gone", baseUrl: "http://127.0.0.1:9/v1" },
    ];
    const alerts = { everyMs: 20, downMs: 0 };
    writeFileSync(config, `export default ${JSON.stringify({ endpoints, alerts })};`);
    const server = await startServer(dir, {
      ERRAND_CONFIG: config,
      ERRAND_WEBHOOK_URL: url,
      ERRAND_WEBHOOK_SECRET: secret,
    });
    closing.push(() => server.kill());
    const isOfGone = ({ message }: { message: string }) =>
      message.startsWith("model endpoint gone does not answer");
    await count(1);
    while (!got.some(isOfGone)) await count(got.length + 1);
    expect(got.find(isOfGone)).toMatchObject({ type: "alert.fired" });
  },
);

test("[ALERT4] a level that cannot be is refused with its range", async () => {
  const { dir, remove } = dataFolder();
  closing.push(remove);
  let files = 0;
  const settingsOf = async (alerts: unknown) => {
    files += 1;
    const path = join(dir, `config-${files}.mjs`);
    writeFileSync(path, `export default { alerts: ${JSON.stringify(alerts)} };`);
    return await readSettings({ ERRAND_CONFIG: path }, dir);
  };
  await expect(settingsOf({ failureShare: 3 })).rejects.toThrow("alerts.failureShare must be 0..1");
  await expect(settingsOf({ everyMs: null })).rejects.toThrow("alerts.everyMs must be 10..3600000");
  await expect(settingsOf({ dept: 3 })).rejects.toThrow(
    'alerts has no "dept"; there are: failureShare',
  );
  expect((await settingsOf({ queueDepth: null })).alerts).toMatchObject({
    queueDepth: null,
    deadLetters: 3,
  });
  expect((await settingsOf(false)).alerts).toBeNull();
});
