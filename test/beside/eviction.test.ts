import { expect, test } from "vitest";

import { startFakeModel } from "../../src/adapters/fake-model/fake-model.ts";
import { edgeFolder, startEdge } from "../integration/edge/wrangler-process.ts";
import { json, post } from "../integration/host/server-process.ts";

/** workerd evicts an object 70 s after it was last asked something; this is longer, with room for a busy machine. */
const goneMs = 80_000;
const tokens = 78;

test(
  "[HOME5] who closes the tab for longer than an object lives finds the whole answer: the alarm keeps a working object alive",
  { timeout: 300_000, tags: ["slow"] },
  async () => {
    const model = await startFakeModel({ tokensPerSecond: 1 });
    const folder = await edgeFolder();
    const edge = await startEdge(folder, { ERRAND_MODEL_BASE_URL: model.baseUrl });
    try {
      const message = `[[repeat ${tokens} word]]`;
      const said = await json(
        `${edge.url}/api/chat/stream`,
        post({ message, sessionId: "closed" }),
      );
      const { taskId } = said as { taskId: string };
      // Nobody asks anything meanwhile: what keeps the object alive may not be the one who looks.
      await new Promise((resolve) => void setTimeout(resolve, goneMs));
      const task = async (): Promise<{ status: string; attempts: number; output: unknown }> =>
        (await json(`${edge.url}/api/tasks/${taskId}`)) as Awaited<ReturnType<typeof task>>;
      await expect
        .poll(async () => (await task()).status, { timeout: 120_000, interval: 500 })
        .toBe("completed");
      // A second attempt would say that its object died.
      expect((await task()).attempts).toBe(1);
      const { state } = (await json(`${edge.url}/api/sessions/closed`)) as {
        state: { messages: { parts: { text: string }[] }[] };
      };
      const text = Array.from({ length: tokens }, () => "word").join(" ");
      expect(state.messages.at(-1)?.parts[0]?.text).toBe(text);
      expect(model.log().filter(({ path }) => path.endsWith("/chat/completions"))).toHaveLength(1);
    } finally {
      await edge.kill();
      await folder.remove();
      await model.close();
    }
  },
);
