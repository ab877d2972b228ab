import { describe, expect, test } from "vitest";
import { missingBrowser } from "./browser.ts";
import { phone, useStage } from "./stage.ts";

const done = { status: "completed", completedAt: "2026-01-01T00:00:00.000Z" } as const;

describe.skipIf(missingBrowser !== undefined)("the panel of background tasks", () => {
  const stage = useStage();

  test("[WEB20] states and progress are live, without a reload", async () => {
    const { world } = stage.server;
    const page = await stage.open();
    await page.getByText("Nothing in the background yet").waitFor();
    const task = world.addTask({ type: "generate", input: { prompt: "Write the notes" } });
    const row = page.getByRole("listitem").filter({ hasText: "Write the notes" });
    await row.getByText("Queued").waitFor();
    world.begin(task.id);
    await row.getByText("Running").waitFor();
    world.progress(task.id, { done: 2, total: 5, message: "reading" });
    await row.getByText("2 of 5 · reading").waitFor();
    expect(await row.getByRole("progressbar").getAttribute("value")).toBe("0.4");
    world.end(task.id, "completed");
    await row.getByText("Done").waitFor();
    expect(await row.getByRole("progressbar").count()).toBe(0);
  });

  test("[WEB21] Stop and Retry on a row do what they say", async () => {
    const { world } = stage.server;
    const task = world.addTask({ input: { text: "call the dentist" } });
    const page = await stage.open();
    await page.getByRole("button", { name: "Stop: call the dentist" }).click();
    await page.getByText("Stopped", { exact: true }).waitFor();
    expect(world.tasks.get(task.id)?.status).toBe("cancelled");
    await page.getByRole("button", { name: "Retry: call the dentist" }).click();
    await page.getByText("Queued", { exact: true }).waitFor();
  });

  test("[WEB21] a refused action is said in words and the task stays as it is", async () => {
    const { world } = stage.server;
    const task = world.addTask({ input: { text: "call the dentist" }, status: "failed" });
    stage.server.refuse("POST /api/tasks/", {
      status: 409,
      code: "conflict",
      detail: "it is running",
    });
    const page = await stage.open();
    await page.getByRole("button", { name: "Retry: call the dentist" }).click();
    await page
      .getByText(
        "Could not retry the task. That is not possible in its present state. it is running.",
      )
      .waitFor();
    expect(world.tasks.get(task.id)?.status).toBe("failed");
  });

  test("[WEB21] what is said of an action is said where it was done, also in a drawer and without a connection", async () => {
    stage.server.world.addTask({ input: { text: "call the dentist" }, status: "failed" });
    const page = await stage.open("", phone);
    await page.locator(".with-count").click();
    const drawer = page.getByRole("dialog");
    await drawer.getByRole("button", { name: "Retry: call the dentist" }).waitFor();
    await stage.server.down();
    await drawer.getByRole("button", { name: "Retry: call the dentist" }).click();
    const notice = drawer.getByText("Could not retry the task. No connection to the server.");
    await notice.waitFor();
    await drawer.getByText("this page reconnects by itself").waitFor();
    await drawer.getByRole("button", { name: "Dismiss" }).click();
    await expect.poll(() => notice.count()).toBe(0);
    await stage.server.up();
  });

  test("[WEB22] filters show what they name", async () => {
    const { world } = stage.server;
    world.addTask({ input: { text: "good one" }, ...done });
    world.addTask({
      input: { text: "bad one" },
      status: "failed",
      error: { code: "timed_out", message: "" },
    });
    world.addTask({ input: { text: "live one" }, status: "running" });
    const page = await stage.open();
    const titles = (): Promise<string[]> => page.locator(".task-title").allInnerTexts();
    await expect.poll(titles).toEqual(["live one", "bad one", "good one"]);
    await page.getByRole("button", { name: "Active", exact: true }).click();
    await expect.poll(titles).toEqual(["live one"]);
    await page.getByRole("button", { name: "Failed", exact: true }).click();
    await expect.poll(titles).toEqual(["bad one"]);
    await page.getByText("The task took longer than it may.").waitFor();
  });

  test("[WEB23] subtasks stand below their task, and the open chat's own answers are left out", async () => {
    const { world } = stage.server;
    const parent = world.addTask({
      type: "orchestrate",
      input: { prompt: "Compare queues" },
      status: "waiting",
    });
    for (const prompt of ["Read about one", "Read about two"]) {
      world.addTask({
        type: "generate",
        input: { prompt },
        parentId: parent.id,
        rootId: parent.id,
      });
    }
    const { chatId } = world.accept("chat_a", "Hello").task;
    const page = await stage.open(`#/c/${chatId}`);
    await expect
      .poll(() => page.locator(".task-title").allInnerTexts())
      .toEqual(["Compare queues", "Read about one", "Read about two"]);
  });

  test("[WEB24] details show input, output, error, attempts, why and the log, and come back to the row", async () => {
    const { world } = stage.server;
    const task = world.addTask({
      type: "generate",
      input: { prompt: "Write the notes" },
      reason: { code: "slot", queue: "worker", position: 2, message: "one task is ahead" },
    });
    const page = await stage.open();
    await page.getByRole("button", { name: /Write the notes Queued/ }).click();
    expect(page.url()).toContain(`/t/${task.id}`);
    // The log below the details says the same words once more, as soon as it is there: the first is the detail.
    await page.getByText("one task is ahead").first().waitFor();
    world.begin(task.id);
    world.step(task.id, "read the changelog");
    world.say(task.id, "Version two is out.");
    await page.getByText("read the changelog").first().waitFor();
    await page.getByText("Version two is out.").first().waitFor();
    world.end(task.id, "failed", { code: "model_stalled", message: "no token for 120 s" });
    await page.getByText("no token for 120 s").first().waitFor();
    await page.getByText("task.end").first().waitFor();
    await page.keyboard.press("Escape");
    const row = page.getByRole("button", { name: /Write the notes Failed/ });
    await row.waitFor();
    await expect
      .poll(() => row.evaluate((element) => element === document.activeElement))
      .toBe(true);
  });

  test("[WEB25] a thousand tasks scroll to the end, page by page, and the page stays quick", async () => {
    const { world } = stage.server;
    for (let count = 0; count < 1_000; count += 1) {
      world.addTask({ input: { text: `note ${count}` }, ...done });
    }
    const page = await stage.open();
    await page.getByText("note 999", { exact: true }).waitFor();
    expect(await page.locator(".task").count()).toBe(100);
    const list = page.locator(".panel-body");
    await expect
      .poll(
        async () => {
          await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
          return page.locator(".task").count();
        },
        { timeout: 20_000 },
      )
      .toBe(1_000);
    await page.getByText("note 0", { exact: true }).waitFor();
    // One changed task among a thousand must cost well under a frame of work for each event.
    const task = world.addTask({ input: { text: "the new one" }, status: "running" });
    await list.evaluate((element) => element.scrollTo(0, 0));
    for (let step = 1; step <= 20; step += 1) {
      world.progress(task.id, { done: step, total: 20, message: "counting" });
    }
    await page.getByText("20 of 20 · counting").waitFor();
  });

  test("[WEB26] what ended while the connection was lost is right when it is back", async () => {
    const { world } = stage.server;
    const task = world.addTask({ input: { text: "call the dentist" }, status: "running" });
    const page = await stage.open();
    const row = page.getByRole("listitem").filter({ hasText: "call the dentist" });
    await row.getByText("Running").waitFor();
    await stage.server.down();
    world.end(task.id, "completed");
    await stage.server.up();
    await row.getByText("Done").waitFor();
  });
});
