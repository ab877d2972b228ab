import { describe, expect, test } from "vitest";
import { missingBrowser } from "./browser.ts";
import { useStage } from "./stage.ts";
import { aQueue, aSchedule } from "./world-board.ts";

describe.skipIf(missingBrowser !== undefined)("queues and schedules beside the chat", () => {
  const stage = useStage();

  test("[WEB65] queues say how full they are and what holds them, live; pause and resume do what they say", async () => {
    const { queues } = stage.server.world.board;
    const untilAt = new Date(Date.now() + 179_000).toISOString();
    queues.push(
      aQueue("camera", { slots: 4, running: 1 }),
      aQueue("model:default", { pending: 3, closed: { code: "endpoint_down", untilAt } }),
    );
    const page = await stage.open();
    await page.getByRole("tab", { name: "Queues" }).click();
    const cards = page.getByRole("list", { name: "Queues" }).getByRole("listitem");
    await expect
      .poll(() => cards.getByRole("heading").allInnerTexts())
      .toEqual(["The model", "camera"]);
    await cards.first().getByText("0 of 1 slot busy · 3 waiting").waitFor();
    await cards.first().getByText("The model does not answer, asked again in 2 min").waitFor();
    const [pool] = queues;
    if (pool !== undefined) pool.running = 4;
    await cards.nth(1).getByText("4 of 4 slots busy").waitFor();
    await page.getByRole("button", { name: "Pause camera" }).click();
    await cards.nth(1).getByText("Paused: what runs goes on").waitFor();
    expect(pool?.paused).toBe(true);
    await page.getByRole("button", { name: "Resume camera" }).click();
    await page.getByRole("button", { name: "Pause camera" }).waitFor();
    expect(pool?.paused).toBe(false);
  });

  test("[WEB65] a refused pause is said in words, and a list that cannot be loaded can be loaded again", async () => {
    stage.server.world.board.queues.push(aQueue("camera"));
    stage.server.refuse("GET /api/queues", { status: 503, code: "unavailable", detail: "" });
    stage.server.refuse("POST /api/queues/camera/pause", {
      status: 403,
      code: "forbidden",
      detail: "this needs the admin's key",
    });
    const page = await stage.open();
    await page.getByRole("tab", { name: "Queues" }).click();
    await page.getByText("The server cannot do this right now.").waitFor();
    await page.getByRole("button", { name: "Load again" }).click();
    await page.getByRole("button", { name: "Pause camera" }).click();
    await page.getByText("Could not pause the queue. Your API key may not do that.").waitFor();
    expect(stage.server.world.board.queues[0]?.paused).toBe(false);
  });

  test("[WEB68] alerts say what is wrong and what to do, live, and what is over; what failed is a press away", async () => {
    const { alerts } = stage.server.world.board;
    const [firedAt, subject] = [new Date(Date.now() - 120_000).toISOString(), ""];
    const message = "3 tasks have used up all attempts within an hour";
    alerts.push({ rule: "dead_letters", subject, message, firedAt, clearedAt: null });
    const page = await stage.open();
    await page.getByRole("tab", { name: "Queues 1 alert" }).click();
    const firing = page.getByRole("list", { name: "Alerts", exact: true });
    await firing.getByText(message).waitFor();
    await firing.getByText("Retry runs one again").waitFor();
    await firing.getByRole("button", { name: "Show what failed" }).click();
    await page.getByText("Nothing has failed").waitFor();
    alerts.splice(0, 1, { ...alerts[0]!, clearedAt: new Date().toISOString() });
    await page.reload();
    await page.getByRole("tab", { name: "Queues" }).click();
    await page.getByText("1 alert is over").click();
    await page.getByText("Cleared now, after 2 min").waitFor();
    expect(await firing.count()).toBe(0);
  });

  test("[WEB68] who may not see alerts is shown none, and asks once", async () => {
    const refusal = { status: 403, code: "forbidden", detail: "this needs the admin's key" };
    stage.server.refuse("GET /api/alerts", refusal);
    const page = await stage.open();
    await page.getByRole("tab", { name: "Queues", exact: true }).click();
    await page.getByText("No queues yet").waitFor();
    expect(await page.getByText("Your API key may not do that").count()).toBe(0);
    const asked = stage.server.requests.filter((line) => line === "GET /api/alerts");
    expect(asked).toHaveLength(1);
  });

  test("[WEB69] pools that Errand brings along are one line until something waits in them", async () => {
    const { queues } = stage.server.world.board;
    queues.push(aQueue("tasks"), aQueue("alerts"), aQueue("gpu_jobs"));
    const page = await stage.open();
    await page.getByRole("tab", { name: "Queues" }).click();
    const shown = page.getByRole("list", { name: "Queues", exact: true }).getByRole("heading");
    await expect.poll(() => shown.allInnerTexts()).toEqual(["gpu_jobs"]);
    await page.getByText("2 more, nothing waits").click();
    await page.getByRole("button", { name: "Pause alerts" }).waitFor();
    const [pool] = queues;
    if (pool !== undefined) pool.pending = 2;
    await expect.poll(() => shown.allInnerTexts()).toEqual(["gpu_jobs", "tasks"]);
  });

  test("[WEB66] schedules say when they run next; run, pause and remove do what they say", async () => {
    const { schedules } = stage.server.world.board;
    schedules.push(aSchedule("morning"), aSchedule("weekly"));
    const page = await stage.open();
    await page.getByRole("tab", { name: "Schedules" }).click();
    const morning = page.getByRole("listitem").filter({ hasText: "morning" });
    await morning.getByText(/Next run (at|Mon|Tue|Wed|Thu|Fri|Sat|Sun)/).waitFor();
    await page.getByRole("button", { name: "Run now: morning" }).click();
    await page.getByText("Started: morning.").waitFor();
    expect(stage.server.world.tasks.size).toBe(1);
    await page.getByRole("button", { name: "Pause morning" }).click();
    await morning.getByText("Runs again when it is resumed").waitFor();
    await page.getByRole("button", { name: "Remove morning" }).click();
    const keep = page.getByRole("button", { name: "Keep" });
    expect(await keep.evaluate((button) => button === document.activeElement)).toBe(true);
    await keep.click();
    await page.getByRole("button", { name: "Remove morning" }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await expect.poll(() => morning.count()).toBe(0);
    expect(schedules.map(({ name }) => name)).toEqual(["weekly"]);
  });

  test("[WEB66] without schedules the panel says how to make one", async () => {
    const page = await stage.open();
    await page.getByRole("tab", { name: "Schedules" }).click();
    await page.getByText("npm run errand -- schedules add").waitFor();
  });
});
