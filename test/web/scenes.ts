/** States of the page that are worth a look: each is checked by axe and can be put on a picture (`look.ts`). */
import type { Page } from "playwright-core";
import type { StandIn } from "./stand-in-server.ts";
import { aQueue, aSchedule } from "./world-board.ts";

/** Brings the server and the page into a state. The page is open at the server's address. */
export type Scene = (server: StandIn, page: Page) => Promise<void>;

async function send(page: Page, text: string): Promise<void> {
  await page.locator("#composer").fill(text);
  // On a phone Enter begins a new line.
  await page.getByRole("button", { name: "Send" }).click();
}

async function openChat(server: StandIn, page: Page, id: string): Promise<void> {
  await page.goto(`${server.url}/#/c/${id}`);
  await page.locator(".message").first().waitFor();
}

/** The panel stands beside the chat, or comes as a drawer. */
async function openTab(page: Page, name: string): Promise<void> {
  if (!isWide(page) && !(await page.getByRole("tab", { name }).isVisible()))
    await page.locator(".with-count").click();
  await page.getByRole("tab", { name }).click();
}

const rich = [
  "# Title\n\nText with `code` and **weight**, and a [link](https://example.com/).\n",
  "```ts\n// A line that is longer than any window is wide, so that it has to scroll by itself and never the page: const answer = compute(everything, and, more, than, fits, into, one, line);\nexport const a = 1;\n```\n",
  `| name | a longer heading | another one | numbers | and a last |\n| - | - | - | -: | - |\n${Array.from({ length: 4 }, (_, row) => `| row ${row} | some words that are long enough to wrap | more | ${row * 1_234} | end |`).join("\n")}\n`,
  `> A quote\n\n- [x] done\n- [ ] open\n\n1. one\n2. two\n\n${"Donaudampfschifffahrtsgesellschaftskapitaen".repeat(6)}\n`,
  "שלום עולם, זה טקסט מימין לשמאל עם מספר 123 בפנים.\n\nمرحبا بالعالم، هذا نص من اليمين إلى اليسار.\n",
].join("\n");

const away = new Date(Date.now() + 400_000).toISOString();
const rang = { dueAt: new Date(Date.now() - 9e6).toISOString(), at: away, missed: true };
const modelSlot = { code: "slot", queue: "model:default", position: 2, message: "" };
const times = (p50Ms: number, p90Ms: number): object => ({
  start: { p50Ms, p90Ms },
  end: { p50Ms: p50Ms * 2, p90Ms: p90Ms * 2 },
  late: false,
});

/** All scenes by name. */
export const scenes: Readonly<Record<string, Scene>> = {
  async empty(_server, page) {
    await page.getByText("What can I take care of?").waitFor();
  },

  async rich(server, page) {
    const { world } = server;
    const { id } = world.addSession("A rich answer", ["Show me everything", rich]);
    const { task } = world.accept(id, "Und jetzt? ".repeat(30));
    world.begin(task.id);
    world.say(task.id, "Half of it, and the next word is");
    await openChat(server, page, id);
    await page.locator(".code-block").first().waitFor();
    await page.locator('[data-state="streaming"]').waitFor();
  },

  async richTop(server, page) {
    await scenes["rich"]?.(server, page);
    await page.locator(".code-block").first().scrollIntoViewIfNeeded();
    await page.locator(".scroller").evaluate((box) => box.scrollTo(0, 0));
  },

  async waits(server, page) {
    const { world } = server;
    const { id } = world.addSession("Waiting", ["Hello", "Hello. What can I do?"]);
    const causes: readonly object[] = [
      { ...modelSlot, position: 1, cause: { code: "slot_busy" }, estimate: times(9_600, 26_000) },
      {
        ...modelSlot,
        cause: { code: "behind_others" },
        estimate: { ...times(50_000, 170_000), late: true },
      },
      { ...modelSlot, cause: { code: "endpoint_down", untilAt: away } },
      { ...modelSlot, cause: { code: "endpoint_loading", untilAt: away } },
      { ...modelSlot, cause: { code: "model_swap" } },
      { ...modelSlot, cause: { code: "rate_window", untilAt: away } },
      { ...modelSlot, cause: { code: "queue_paused" } },
      {
        code: "backoff",
        untilAt: away,
        message: "",
        error: { code: "model_stalled", message: "no token for 60 s" },
      },
    ];
    for (const [index, reason] of causes.entries()) {
      const { task } = world.accept(id, `Question ${index + 1}`);
      world.change(task.id, {
        status: "code" in reason && reason.code === "backoff" ? "delayed" : "queued",
        reason: reason as NonNullable<(typeof task)["reason"]>,
      });
    }
    world.addTask({
      input: { text: "A note that waits for a slot of the model" },
      reason: causes[1] as never,
    });
    world.addTask({ input: { text: "Held" }, reason: { code: "held", message: "" } });
    await openChat(server, page, id);
    await page.getByText("Retrying in").first().waitFor();
  },

  async modelAway(server, page) {
    const { world } = server;
    server.model = {
      connected: false,
      baseUrl: "http://127.0.0.1:1234/v1",
      models: [],
      note: "connection refused",
    };
    const { task } = world.accept("chat_away", "Tell me a long story");
    world.begin(task.id);
    world.say(task.id, "Once upon a time there was a queue, and in the queue there");
    world.end(task.id, "failed", { code: "model_unavailable", message: "ECONNREFUSED" });
    await openChat(server, page, "chat_away");
    await page.getByText("The model could not be reached.").first().waitFor();
  },

  async refusals(server, page) {
    const refusals = [
      { status: 413, code: "too_large", detail: "the body is larger than 1048576 bytes" },
      {
        status: 400,
        code: "invalid_request",
        detail: "",
        errors: [{ field: "message", message: "must be 1..100000 characters" }],
      },
      { status: 422, code: "limit_exceeded", detail: "at most 50 turns may wait in a session" },
      { status: 429, code: "rate_limited", detail: "", retryAfterMs: 4_000 },
      { status: 500, code: "internal", detail: "" },
      { status: 507, code: "storage_full", detail: "" },
    ];
    for (const [index, refusal] of refusals.entries()) {
      server.refuse("POST /api/chat/stream", refusal);
      await send(page, `Message ${index + 1}`);
      await page.locator('[data-state="unsent"]').nth(index).waitFor();
    }
  },

  async offline(server, page) {
    const { world } = server;
    const { task } = world.accept("chat_off", "Count slowly");
    world.begin(task.id);
    world.say(task.id, "One. Two. Three. ");
    await openChat(server, page, "chat_off");
    await page.locator('[data-state="streaming"]').waitFor();
    await server.down();
    await page.locator(".banner").waitFor();
  },

  async failedTask(server, page) {
    const { world } = server;
    const task = world.addTask({
      type: "generate",
      input: { prompt: "Summarise the minutes of the last twelve meetings" },
    });
    world.begin(task.id);
    world.step(task.id, "collect");
    world.say(task.id, "The first meeting was about");
    world.end(task.id, "failed", {
      code: "timed_out",
      message: "attempt 3 of 3 took longer than 600000 ms",
    });
    await page.goto(`${server.url}/#/t/${task.id}`);
    if (!isWide(page) && !(await page.locator(".status-block").isVisible()))
      await page.locator(".with-count").click();
    await page.getByText("The task took longer than it may.").first().waitFor();
  },

  async tasks(server, page) {
    const { world } = server;
    for (let count = 0; count < 40; count += 1)
      world.addTask({
        status: "completed",
        input: { text: `Something that was done, number ${count}` },
      });
    world.addTask({
      status: "failed",
      input: { text: "Call the dentist" },
      error: { code: "model_unavailable", message: "" },
    });
    const plan = world.addTask({
      type: "orchestrate",
      status: "waiting",
      title: "Plan a small party for twelve people in the garden, with music",
      reason: { code: "child", message: "" },
    });
    for (const title of ["Guests", "Food", "Music"]) {
      const part = world.addTask({ type: "generate", title, parentId: plan.id, rootId: plan.id });
      world.begin(part.id);
      world.progress(part.id, { done: 2, total: 5, message: "reading" });
    }
    if (!isWide(page) && !(await page.getByRole("tab", { name: "Tasks" }).isVisible()))
      await page.locator(".with-count").click();
    await page.getByText("2 of 5 · reading").first().waitFor();
  },

  /** Far down in a long list, while something new begins. */
  async thousandTasks(server, page) {
    const { world } = server;
    for (let count = 0; count < 1_000; count += 1) {
      const input = { text: `Something that was done, number ${count}` };
      world.addTask({ status: count % 9 === 0 ? "failed" : "completed", input });
    }
    const task = world.addTask({ type: "generate", input: { prompt: "A report on all of them" } });
    world.begin(task.id);
    world.progress(task.id, { done: 412, total: 1_000, message: "reading" });
    world.change(task.id, {
      reason: {
        code: "backoff",
        untilAt: new Date(Date.now() + 44_000).toISOString(),
        message: "a call of it waits before it is tried again",
        error: { code: "model_stalled", message: "no token for 60 s" },
      },
    });
    if (!isWide(page) && !(await page.getByRole("tab", { name: "Tasks" }).isVisible()))
      await page.locator(".with-count").click();
    await page.getByText("412 of 1000 · reading").first().waitFor();
  },

  async noTasks(_server, page) {
    await openTab(page, "Tasks");
    await page.getByText("Nothing in the background yet").waitFor();
  },

  async queues(server, page) {
    server.world.board.queues.push(
      aQueue("tasks", { slots: 8, running: 3 }),
      aQueue("chat_tasks", { slots: 8, running: 8, pending: 14 }),
      aQueue("model:default", {
        running: 0,
        pending: 3,
        requestsPerMinute: 60,
        closed: { code: "endpoint_down", untilAt: away },
      }),
      aQueue("model:gpu0", {
        pending: 2,
        swapMs: 20_000,
        loaded: "qwen3-30b",
        closed: { code: "endpoint_loading", untilAt: away },
      }),
      aQueue("camera_analysis", { slots: 2, paused: true, pending: 2 }),
    );
    await openTab(page, "Queues");
    await page.getByText("The model does not answer, asked again").waitFor();
  },

  async alerts(server, page) {
    const { board } = server.world;
    const at = (agoMs: number): string => new Date(Date.now() - agoMs).toISOString();
    board.queues.push(
      aQueue("alerts", { slots: 8 }),
      aQueue("chat_tasks", { slots: 8 }),
      aQueue("tasks", { slots: 8, running: 1 }),
      aQueue("model:default", {
        running: 1,
        pending: 4,
        cuts: { count: 12, tokens: 3_410 },
        slotsPerKey: 1,
      }),
    );
    board.alerts.push(
      {
        rule: "endpoint_down",
        subject: "gpu0",
        message: "model endpoint gpu0 does not answer: connect ECONNREFUSED 127.0.0.1:1234",
        firedAt: at(400_000),
        clearedAt: null,
      },
      {
        rule: "dead_letters",
        subject: "",
        message: "3 tasks have used up all attempts within an hour",
        firedAt: at(90_000_000),
        clearedAt: null,
      },
      {
        rule: "queue_depth",
        subject: "tasks",
        message: "1204 calls wait in queue tasks",
        firedAt: at(9_000_000),
        clearedAt: at(8_000_000),
      },
    );
    await openTab(page, "Queues");
    await page.getByText("Start the model server").waitFor();
    await page.getByText("1 alert is over").click();
    await page.getByText("3 more, nothing waits").click();
  },

  async noQueues(_server, page) {
    await openTab(page, "Queues");
    await page.getByText("No queues yet").waitFor();
  },

  async schedules(server, page) {
    const last = { taskId: server.world.addTask({ status: "completed" }).id, at: away };
    server.world.board.schedules.push(
      aSchedule("morning", { last }),
      aSchedule("yearly-report-of-everything-that-has-happened", {
        paused: true,
        nextRuns: [],
        timeZone: "America/Argentina/Buenos_Aires",
      }),
    );
    await openTab(page, "Schedules");
    await page.getByText("morning").first().waitFor();
  },

  async noSchedules(_server, page) {
    await openTab(page, "Schedules");
    await page.getByText("No schedules").waitFor();
  },

  async todos(server, page) {
    const { planner } = server.world;
    planner.putTodo({ text: "Buy milk" });
    planner.putTodo({ text: "Call the bank about the card that was lost", dueDay: "2026-01-02" });
    planner.putTodo({ text: "Water the plants", status: "done" });
    planner.putTodo({ text: "Ask Ann for the offer of the heat pump", status: "proposed" });
    const { id: taskId } = server.world.addTask({ type: "send", status: "waiting" });
    planner.ask("ap_1", { taskId, question: "May I send the offer to Ann, with the price in it?" });
    planner.putReminder("rm_1", { text: "Turn the oven off", last: rang });
    planner.putReminder("rm_2", { text: "Stand up", nextAt: away, cron: "0 9 * * 1-5" });
    await openTab(page, "Todos");
    await page.getByText("Buy milk").waitFor();
    await page.getByText("Turn the oven off").first().waitFor();
  },

  async key(server, page) {
    server.demandKey("secret");
    await page.reload();
    await page.getByLabel("API key").waitFor();
  },

  /** The picture of the README. */
  async readme(server, page) {
    const { world } = server;
    server.model = {
      connected: true,
      baseUrl: "http://127.0.0.1:11434/v1",
      models: ["qwen3-30b"],
      note: "",
    };
    world.addSession("Names for a boat", ["Names for a small boat?", "Merganser, Tern, Dipper."]);
    world.addSession("Tax papers", ["What do I need?", "Three things."]);
    const { id } = world.addSession("A week in Lisbon", [
      "Plan a week in Lisbon for two, by train where it works",
      "Here is a first draft.\n\n| day | morning | afternoon |\n| - | - | - |\n| Mon | Alfama on foot | Tile museum |\n| Tue | Train to Sintra | Palace, then back |\n| Wed | Belém | The river by ferry |\n\nShall I look for places to stay near **Rossio**? The trains to Sintra leave from there.",
    ]);
    for (const text of ["Water the plants", "Back up the photos"])
      world.addTask({ status: "completed", input: { text } });
    const failed = world.addTask({ input: { text: "Call the bank" }, type: "generate" });
    world.begin(failed.id);
    world.end(failed.id, "failed", { code: "model_unavailable", message: "" });
    const plan = world.addTask({
      type: "orchestrate",
      status: "waiting",
      title: "Compare five heat pumps",
      reason: { code: "child", message: "" },
    });
    for (const [index, title] of ["Noise", "Running costs", "Grants"].entries()) {
      const part = world.addTask({ type: "generate", title, parentId: plan.id, rootId: plan.id });
      if (index === 2) {
        const reason = { ...modelSlot, cause: { code: "behind_others" } };
        world.change(part.id, { reason: { ...reason, estimate: times(9_600, 26_000) } });
        continue;
      }
      world.begin(part.id);
      world.progress(part.id, { done: 2 + index, total: 5, message: "reading" });
    }
    server.world.planner.putTodo({ text: "Renew the passport" });
    const { task } = world.accept(id, "Yes, quiet ones, under 140 a night");
    world.begin(task.id);
    world.say(
      task.id,
      "Three near Rossio that are quiet at the back:\n\n1. **Casa do Largo**, courtyard rooms, 128 a night\n2. **Pensão Glória**, fourth floor, 95 a night\n3. **The Ferry House**, ten minutes by",
    );
    await openChat(server, page, id);
    await page.locator('[data-state="streaming"]').waitFor();
    await page.locator(".markdown table").first().waitFor();
  },

  async sheet(_server, page) {
    await page.getByText("What can I take care of?").waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
  },
};

/** A wide page shows its panel by itself, a moment later: pressing the button then would close it. */
function isWide(page: Page): boolean {
  return (page.viewportSize()?.width ?? 0) > 1_000;
}
