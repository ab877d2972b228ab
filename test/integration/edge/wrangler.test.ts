import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, expect, test } from "vitest";

import { startFakeModel, type FakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { createClient, emptyView, foldTask, isTaskEvent } from "../../../src/client/index.ts";
import { dataFolder } from "../engine/workbench.ts";
import { json, post, startServer, type ServerProcess } from "../host/server-process.ts";
import { edgeFolder, startEdge, type EdgeFolder, type EdgeProcess } from "./wrangler-process.ts";

const cli = fileURLToPath(new URL("../../../src/cli.ts", import.meta.url));

const data = dataFolder();
let model: FakeModel;
let folder: EdgeFolder;
let edge: EdgeProcess;
let embedded: ServerProcess;
const vars = (): Record<string, string> => ({ ERRAND_MODEL_BASE_URL: model.baseUrl });

beforeAll(async () => {
  model = await startFakeModel({ tokensPerSecond: 200, ttftMs: 20 });
  folder = await edgeFolder();
  [edge, embedded] = await Promise.all([startEdge(folder, vars()), startServer(data.dir)]);
});

afterAll(async () => {
  await Promise.all([edge.kill(), embedded.kill(), model.close()]);
  await folder.remove();
  data.remove();
});

/** Runs `errand ...`, and answers what it printed. Throws if it fails. */
async function errand(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [cli, ...args], { env: { ...process.env, NO_COLOR: "1" } });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => (said += String(chunk)));
  const code = await new Promise<number | null>((resolve) => child.on("exit", resolve));
  if (code !== 0) throw new Error(`errand ${args.join(" ")} ended with ${code}: ${said}`);
  return said;
}

async function stateOf(url: string, session: string): Promise<{ state: unknown }> {
  return (await json(`${url}/api/sessions/${session}`)) as { state: unknown };
}

for (const [direction, ends] of [
  ["from the embedded host to the edge", () => [embedded.url, edge.url]],
  ["from the edge to the embedded host", () => [edge.url, embedded.url]],
] as const)
  test(`[PORT1] a session moves ${direction}: its state's hash is equal, and its old keys still dedupe`, async () => {
    const [here = "", there = ""] = ends();
    const session = `trip-${direction.split(" ")[2]}`;
    const say = { message: "help", sessionId: session, client_action_id: `click-${session}` };
    const todo = { text: "buy milk", sessionId: session, client_action_id: `tap-${session}` };
    await json(`${here}/api/chat`, post(say));
    await json(`${here}/api/chat`, post({ message: "enqueue water it", sessionId: session }));
    await json(`${here}/api/todos`, post(todo));

    const file = join(data.dir, `${session}.jsonl`);
    const exported = await errand("export", session, "--out", file, "--url", here);
    const hash = /[0-9a-f]{64}/.exec(exported)?.[0];
    expect(hash).toBeDefined();
    expect(await errand("import", file, "--url", there)).toBe(`${session}  state equal  ${hash}\n`);
    expect((await stateOf(there, session)).state).toEqual((await stateOf(here, session)).state);
    const { sessions } = (await json(`${there}/api/sessions`)) as { sessions: { id: string }[] };
    expect(sessions.map(({ id }) => id)).toContain(session);

    const before = await stateOf(there, session);
    const asked = (await json(`${here}/api/chat/stream`, post(say))) as { taskId: string };
    const again = (await json(`${there}/api/chat/stream`, post(say))) as { taskId: string };
    expect(again.taskId).toBe(asked.taskId);
    const other = await fetch(`${there}/api/chat/stream`, post({ ...say, message: "list" }));
    expect(other.status).toBe(422);
    await json(`${there}/api/todos`, post(todo));
    expect(await stateOf(there, session)).toEqual(before);
  });

test("[HOME5] kill -9 in mid-stream: the work goes on when it is started again, and a reader who comes back has exactly the stored text", async () => {
  const text = Array.from({ length: 400 }, () => "word").join(" ");
  const said = (await json(
    `${edge.url}/api/chat/stream`,
    post({ message: "[[repeat 400 word]]", sessionId: "killed" }),
  )) as { taskId: string };
  const { taskId } = said;
  let view = emptyView(taskId);
  let cursor: string | null = null;
  const read = async (enough: (chars: number) => boolean): Promise<void> => {
    const stop = new AbortController();
    const options = { after: cursor, signal: stop.signal };
    for await (const item of createClient({ baseUrl: edge.url }).follow(taskId, options)) {
      if (item.kind !== "event" || !isTaskEvent(item.event)) continue;
      view = foldTask(view, item.event);
      cursor = item.cursor ?? cursor;
      if (enough(view.stream.text.length)) break;
    }
    stop.abort();
  };
  await read((chars) => chars > 100);
  expect(view.stream.text.length).toBeLessThan(text.length);
  await edge.kill();
  edge = await startEdge(folder, vars());
  await read(() => false);
  expect(view.stream.text).toBe(text);
  expect(view.task).toMatchObject({ status: "completed", attempts: 2 });
  const { state } = (await stateOf(edge.url, "killed")) as {
    state: { messages: { parts: { text: string }[] }[] };
  };
  expect(state.messages.at(-1)?.parts[0]?.text).toBe(text);
});
