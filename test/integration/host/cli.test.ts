import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { startFakeModel, type FakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { dataFolder } from "../engine/workbench.ts";
import { json, post, startServer, type ServerProcess } from "./server-process.ts";

const taskModule = fileURLToPath(new URL("../../../src/index.ts", import.meta.url));
const cli = fileURLToPath(new URL("../../../src/cli.ts", import.meta.url));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let url = "";

/** Runs `errand ...` as a person does. */
function errand(...args: readonly string[]): Promise<Ran> {
  return errandWith({}, ...args);
}

function errandWith(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [cli, ...args], {
    env: { ...process.env, ERRAND_URL: url, NO_COLOR: "1", ...env },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => (out += String(chunk)));
  child.stderr.on("data", (chunk) => (err += String(chunk)));
  return new Promise((resolve) => child.on("exit", (code) => resolve({ code, out, err })));
}

describe("the command line", () => {
  const folder = dataFolder();
  let model: FakeModel;
  let server: ServerProcess;

  beforeAll(async () => {
    model = await startFakeModel({ tokensPerSecond: 1_000 });
    writeFileSync(
      join(folder.dir, "errand.config.ts"),
      `import { defineConfig, defineTask } from ${JSON.stringify(taskModule)};
const asks = defineTask("asks", {}, (_input: unknown, ctx) => ctx.approve("Go on?"));
export default defineConfig({ tasks: [asks] });
`,
    );
    server = await startServer(folder.dir, { ERRAND_MODEL_BASE_URL: model.baseUrl });
    url = server.url;
  });

  afterAll(async () => {
    await server.kill();
    await model.close();
    folder.remove();
  });

  test("[CLI15] an unknown flag is refused with those there are, and nothing is done", async () => {
    for (const [args, words] of [
      [["ps", "--al"], 'errand ps has no flag "--al"; there are: --all, --watch, --url, --json'],
      [["submit", "x", "--prioritty=batch"], 'errand submit has no flag "--prioritty"'],
      [["schedules", "list", "-x"], 'errand schedules list has no flag "-x"'],
      [["submit", "write", "a haiku"], "errand submit takes one word or text, got 2; put a text"],
      [["demo-model", "--speed", "x"], '--speed must be a whole number 0..1000000, got "x"'],
      [["submit", "--input", "{bad"], "--input must be JSON"],
      [["ps", "--url", "nonsense"], "--url must be a URL such as http://127.0.0.1:8787"],
      [["submit", "x", "--type", "nope"], 'there is no task type "nope"; there are: '],
    ] as const) {
      const refused = await errand(...args);
      expect(refused).toMatchObject({ code: 1, out: "" });
      expect(refused.err).toContain(words);
    }
    const both = await errand("ps", "--watch", "--json");
    expect(both).toMatchObject({ code: 1, out: "" });
    expect(both.err).toContain("--watch redraws a screen");
    expect(await errand("ps", "-a", "--json")).toMatchObject({ code: 0, err: "" });
    expect(await errand("submit", "--key", "--odd", "x", "--no-wait")).toMatchObject({ code: 0 });
  });

  test("[CLI1] submit --wait prints the answer and ends with 0, a failure with 1 and the reason", async () => {
    const good = await errand("submit", "[[say hello there]]", "--wait");
    expect(good).toMatchObject({ code: 0 });
    expect(good.out.trim()).toBe("hello there");
    const bad = await errand("submit", "[[fault overflow]]", "--wait");
    expect(bad.code).toBe(1);
    expect(bad.err).toMatch(/failed/);
  });

  test("[CLI6] doctor says what is well and what is not, and ends with 1 when something keeps Errand from working", async () => {
    const well = await errandWith({ ERRAND_DATA_DIR: folder.dir, PORT: "0" }, "doctor");
    expect(well.code).toBe(0);
    for (const check of ["node", "settings", "data", "disk", "port"])
      expect(well.out).toMatch(new RegExp(`^(ok|WARN) +${check} `, "m"));
    const gone = {
      ERRAND_DATA_DIR: folder.dir,
      PORT: "0",
      ERRAND_MODEL_BASE_URL: "http://127.0.0.1:9/v1",
    };
    const deaf = await errandWith(gone, "doctor");
    expect(deaf).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^FAIL +model .*is it running\?$/m),
    });
    const wrong = await errandWith({ PORT: "many" }, "doctor");
    expect(wrong.out).toMatch(/^FAIL +settings +PORT must be/m);
  });

  test("[CLI8] todos are added, listed, completed, opened again and removed", async () => {
    expect((await errand("todos")).out).toContain("No todos yet.");
    expect(await errand("todos", "add", "buy milk", "--due", "2026-12-01")).toMatchObject({
      code: 0,
      out: "added: buy milk\n",
    });
    await errand("todos", "add", "call the bank");
    expect((await errand("todos")).out).toMatch(
      /^1 +\[ \] +buy milk +2026-12-01\n2 +\[ \] +call the bank/,
    );
    expect((await errand("todos", "done", "bank")).out).toBe("done: call the bank\n");
    expect((await errand("todos")).out).toMatch(/^2 +\[x\] +call the bank/m);
    expect((await errand("todos", "reopen", "2")).out).toBe("open again: call the bank\n");
    expect((await errand("todos", "remove", "1")).out).toBe("gone: buy milk\n");
    const bad = await errand("todos", "add", "x", "--due", "soon");
    expect(bad).toMatchObject({ code: 1, err: expect.stringContaining("dueDay") });
    const none = await errand("todos", "done", "nothing like it");
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining("none of your todos") });
  });

  test("[CLI9] reminders are set from words, listed, put off and removed, and the day is planned", async () => {
    const set = await errand("reminders", "add", "call Ann tomorrow at 9");
    expect(set).toMatchObject({ code: 0, out: expect.stringContaining("call Ann") });
    expect((await errand("reminders")).out).toMatch(/^1 +\d{4}-\d\d-\d\d 09:00 +once +call Ann/);
    expect((await errand("reminders", "snooze", "1", "--minutes", "5")).code).toBe(0);
    expect((await errand("reminders", "remove", "1")).out).toBe("gone: call Ann\n");
    expect((await errand("reminders")).out).toContain("No reminders.");
    const plan = await errand("plan");
    expect(`${plan.out}${plan.err}`).toMatch(/Plan for|usable answer/);
  });

  test("[CLI10] what tasks ask is listed and answered", async () => {
    expect((await errand("approvals")).out).toContain("Nothing waits for your approval.");
    const none = await errand("approvals", "approve", "1");
    expect(none).toMatchObject({
      code: 1,
      err: expect.stringContaining("errand approvals shows it"),
    });
    const { out } = await errand("submit", "--type", "asks", "--input", "{}", "--json");
    const { id } = JSON.parse(out) as { id: string };
    await expect
      .poll(async () => (await errand("approvals")).out, { timeout: 30_000 })
      .toMatch(/^1 +asks +.*Go on\?/);
    const said = await errand("approvals", "reject", "1", "--comment", "not today");
    expect(said.out).toContain(`rejected: Go on?\n${id}`);
    expect((await errand("follow", id)).out).toContain("not today");
  });

  test("[CLI11] a session is exported, and imported under another name with an equal state", async () => {
    const body = { message: "list", sessionId: "to-move" };
    const { taskId } = (await json(`${url}/api/chat/stream`, post(body))) as { taskId: string };
    await errand("follow", taskId);
    const file = join(folder.dir, "moved.jsonl");
    expect(await errand("export", "to-move", "--out", file)).toMatchObject({ code: 0 });
    const moved = await errand("import", file, "--as", "moved");
    expect(moved).toMatchObject({ code: 0, out: expect.stringMatching(/^moved +state equal/) });
    const again = await errand("import", file, "--as", "moved");
    expect(again.out).toContain("state equal");
    expect((await errand("export", "nowhere")).code).toBe(1);
  });

  test("[CLI7] replay folds a task's log again to the state the server shows", async () => {
    const { out } = await errand("submit", "[[say hello]]", "--json");
    const { id } = JSON.parse(out) as { id: string };
    await errand("follow", id);
    const replayed = await errand("replay", id);
    expect(replayed).toMatchObject({ code: 0 });
    expect(replayed.out).toMatch(/^ +1 .* task\.accepted/m);
    expect(replayed.out).toContain("The log explains the state: completed.");
    const then = await errand("replay", id, "--at", "2", "--json");
    const frames = then.out
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text) as unknown);
    expect(frames).toMatchObject([{ fact: { seq: 1 } }, { fact: { seq: 2 }, status: "queued" }]);
  });

  test("[CLI5] schedules are added, listed, run, paused and removed", async () => {
    expect((await errand("schedules", "list")).out).toContain("No schedules yet");
    const cron = ["schedules", "add", "morning", "30 8 * * 1-5", "[[say good morning]]"];
    const added = await errand(...cron, "--zone", "Europe/Berlin");
    expect(added).toMatchObject({ code: 0 });
    expect(added.out).toMatch(/^morning runs next \d{4}-\d\d-\d\d 08:30.*\(Europe\/Berlin\)/);
    expect((await errand("schedules", "list")).out).toMatch(
      /morning +30 8 \* \* 1-5 +Europe\/Berlin/,
    );
    const run = await errand("schedules", "run", "morning");
    expect((await errand("follow", run.out.trim())).out).toContain("good morning");
    expect((await errand("schedules", "pause", "morning")).out.trim()).toBe("morning is paused");
    expect((await errand("schedules", "remove", "morning")).out.trim()).toBe("morning is gone");
    const wrong = await errand("schedules", "add", "x", "hello", "y");
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("cron") });
  });

  test("[CLI2] ps, why, cancel, retry and follow name tasks by the end of their id", async () => {
    const held = (await json(
      `${url}/api/tasks`,
      post({ type: "generate", input: { prompt: "[[say later]]" }, delayMs: 3_600_000 }),
    )) as { id: string };
    const end = held.id.slice(-8);
    expect((await errand("ps")).out).toContain(end);
    expect((await errand("why", end)).out).toMatch(/due later/);
    expect((await errand("cancel", end)).out).toMatch(/cancelled/);
    expect((await errand("retry", end)).out).toMatch(/queued|running|completed/);
    const followed = await errand("follow", end);
    expect(followed).toMatchObject({ code: 0 });
    expect(followed.out).toContain("later");
    expect((await errand("ps", "--all")).out).toContain(end);
  });

  test("[CLI3] --json is one document a line", async () => {
    const { out } = await errand("submit", "[[say x]]", "--json");
    expect(JSON.parse(out)).toMatchObject({ type: "generate", input: { prompt: "[[say x]]" } });
  });

  test("[CLI4] without a server it says so and what to do, and help is there", async () => {
    const before = url;
    url = "http://127.0.0.1:9";
    const { code, err } = await errand("ps");
    url = before;
    expect(code).toBe(1);
    expect(err).toMatch(/npm start/);
    const help = (await errand("submit", "--help")).out;
    expect(help).toMatch(/--wait/);
    // Not on a terminal: without the codes that colour one.
    expect(help).not.toContain("\u001b");
    // One command of a group is shown as it is typed.
    expect((await errand("todos", "add", "--help")).out).toContain("errand todos add");
  });
});
