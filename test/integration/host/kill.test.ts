import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, describe, expect, test } from "vitest";

import { startFakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import {
  createClient,
  emptyView,
  foldTask,
  isTaskEvent,
  type TaskView,
} from "../../../src/client/index.ts";
import { dataFolder } from "../engine/workbench.ts";
import { json, post, startServer, type ServerProcess } from "./server-process.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function folder(): string {
  const { dir, remove } = dataFolder();
  closing.push(remove);
  return dir;
}

async function started(
  dir: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const server = await startServer(dir, env);
  closing.push(() => server.kill());
  return server;
}

/** Follows a task until `enough`, or to its end; answers the view and the cursor behind which to go on. */
async function follow(
  url: string,
  taskId: string,
  from: { view: TaskView; cursor: string | null },
  enough: (view: TaskView) => boolean,
): Promise<{ view: TaskView; cursor: string | null }> {
  const stop = new AbortController();
  let { view, cursor } = from;
  for await (const item of createClient({ baseUrl: url }).follow(taskId, {
    after: cursor,
    signal: stop.signal,
  })) {
    if (item.kind !== "event" || !isTaskEvent(item.event)) continue;
    view = foldTask(view, item.event);
    cursor = item.cursor ?? cursor;
    if (enough(view)) break;
  }
  stop.abort();
  return { view, cursor };
}

const taskModule = fileURLToPath(new URL("../../../src/index.ts", import.meta.url));

/** A configuration whose task type does a little of everything, quickly. */
function writeConfig(dir: string): void {
  writeFileSync(
    join(dir, "errand.config.ts"),
    `import { defineConfig, defineTask } from ${JSON.stringify(taskModule)};
const work = defineTask("work", { queue: "work" }, async (input: { n: number }, ctx) => {
  const a = await ctx.step("a", () => input.n + 1);
  await ctx.sleep(5);
  const b = await ctx.step("b", () => a + 1);
  return { n: b };
});
export default defineConfig({ tasks: [work], queues: { work: { slots: 50 } } });
`,
  );
}

describe("kill -9", () => {
  test(
    "[CRASH1] in mid-stream, at several places: the reader who comes back has exactly the stored text",
    { timeout: 120_000 },
    async () => {
      const model = await startFakeModel({ tokensPerSecond: 150, ttftMs: 20 });
      closing.push(() => model.close());
      const text = Array.from({ length: 90 }, () => "word").join(" ");
      for (const chars of [1, 60, 250]) {
        const dir = folder();
        const env = { ERRAND_MODEL_BASE_URL: model.baseUrl };
        const first = await started(dir, env);
        const said = await json(
          `${first.url}/api/chat/stream`,
          post({ message: "[[repeat 90 word]]", sessionId: "s1" }),
        );
        const { taskId } = said as { taskId: string };
        const seen = await follow(
          first.url,
          taskId,
          { view: emptyView(taskId), cursor: null },
          (view) => view.stream.text.length >= chars,
        );
        await first.kill();
        const second = await started(dir, env);
        const { view } = await follow(second.url, taskId, seen, () => false);
        expect(view.stream.text).toBe(text);
        expect(view.task?.status).toBe("completed");
        const session = (await json(`${second.url}/api/sessions/s1`)) as {
          state: { messages: { role: string; status: string; parts: { text: string }[] }[] };
        };
        const answer = session.state.messages.at(-1);
        expect(answer).toMatchObject({ role: "assistant", status: "completed", parts: [{ text }] });
        await second.kill();
      }
    },
  );

  test(
    "[CRASH2] again and again under load: every accepted task ends once, none is lost, none is doubled",
    { timeout: 180_000 },
    async () => {
      const dir = folder();
      writeConfig(dir);
      const total = 300;
      const accepted = new Map<string, string>();
      let server = await started(dir);
      let next = 0;
      let kills = 0;
      const submitOne = async (n: number): Promise<void> => {
        for (;;) {
          const { url } = server;
          try {
            const task = (await json(
              `${url}/api/tasks`,
              post({ type: "work", input: { n } }, { "idempotency-key": `key-${n}` }),
            )) as { id: string };
            const before = accepted.get(`key-${n}`);
            expect(before ?? task.id).toBe(task.id);
            accepted.set(`key-${n}`, task.id);
            return;
          } catch (error) {
            if (error instanceof Error && error.message.startsWith("4")) throw error;
            // The server died under the request: whether it was accepted is not known, and the key makes it safe to ask again.
            await restarted;
          }
        }
      };
      let restarted: Promise<void> = Promise.resolve();
      const submitters = Array.from({ length: 8 }, async () => {
        for (let n = next++; n < total; n = next++) {
          await submitOne(n);
          // A kill every thirty accepted tasks, in the middle of everything.
          if (accepted.size % 30 !== 0 || kills >= 8) continue;
          kills += 1;
          restarted = (async () => {
            await server.kill();
            server = await started(dir);
          })();
          await restarted;
        }
      });
      await Promise.all(submitters);
      expect(kills).toBeGreaterThanOrEqual(5);
      expect(accepted.size).toBe(total);
      expect(new Set(accepted.values()).size).toBe(total);
      const client = createClient({ baseUrl: server.url });
      for (const [key, id] of accepted) {
        const { view } = await follow(
          server.url,
          id,
          { view: emptyView(id), cursor: null },
          ({ task }) => task?.completedAt !== null && task !== null,
        );
        expect(view.task?.output).toEqual({ n: Number(key.slice(4)) + 2 });
        const { events } = await client.tasks.log(id, { limit: 200 });
        expect(events.filter(({ type }) => type === "task.completed")).toHaveLength(1);
        expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
        expect(events.filter(({ type }) => type === "step.completed")).toHaveLength(2);
      }
    },
  );

  test(
    "[DRAIN1] SIGTERM finishes or hands back what runs, and the next process goes on",
    { timeout: 60_000 },
    async () => {
      const dir = folder();
      writeConfig(dir);
      const first = await started(dir);
      const task = (await json(
        `${first.url}/api/tasks`,
        post({ type: "work", input: { n: 1 } }),
      )) as { id: string };
      expect(await first.terminate()).toBe(0);
      const second = await started(dir);
      const { view } = await follow(
        second.url,
        task.id,
        { view: emptyView(task.id), cursor: null },
        () => false,
      );
      expect(view.task).toMatchObject({ status: "completed", output: { n: 3 } });
    },
  );
});
