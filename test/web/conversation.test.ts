import { describe, expect, test } from "vitest";
import { missingBrowser } from "./browser.ts";
import { answers, lastAnswer, lastState, send, useStage } from "./stage.ts";

describe.skipIf(missingBrowser !== undefined)("a conversation on the page", () => {
  const stage = useStage();

  test("[WEB1] a message is shown at once, its answer while it comes, and the address names the chat", async () => {
    const page = await stage.open();
    await send(page, "Hello there");
    await page.getByText("Hello there", { exact: true }).last().waitFor();
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { id, chatId } = stage.server.world.newest();
    expect(page.url()).toContain(`#/c/${chatId}`);
    await expect.poll(() => lastState(page)).toBe("queued");

    stage.server.world.begin(id);
    await expect.poll(() => lastState(page)).toBe("pending");
    stage.server.world.say(id, "Hello, **you");
    await expect.poll(() => lastAnswer(page)).toBe("Hello, you");
    expect(await lastState(page)).toBe("streaming");
    stage.server.world.say(id, "**.");
    stage.server.world.end(id, "completed");
    await expect.poll(() => lastState(page)).toBe("done");
    await expect.poll(() => lastAnswer(page)).toBe("Hello, you.");
    expect(await page.locator(".message").count()).toBe(2);
  });

  test("[WEB2] a queued answer says its place in line and the reason, and moves up", async () => {
    const page = await stage.open();
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { id } = stage.server.world.newest();
    const reason = {
      code: "slot",
      queue: "chat_tasks",
      position: 3,
      message: "waits for a free slot",
      cause: { code: "behind_others" },
      estimate: {
        start: { p50Ms: 9_600, p90Ms: 26_000 },
        end: { p50Ms: 20_000, p90Ms: 60_000 },
        late: false,
      },
    };
    stage.server.world.change(id, { reason });
    await page
      .getByText("Queued: 3rd in line for chat_tasks · starts in about 10–25 s", { exact: true })
      .waitFor();
    stage.server.world.change(id, {
      reason: { ...reason, position: 1, estimate: { ...reason.estimate, late: true } },
    });
    await page.getByText("next in line for chat_tasks · later than promised").waitFor();
    stage.server.world.change(id, {
      reason: {
        code: "slot",
        queue: "model:default",
        position: 1,
        message: "",
        cause: { code: "endpoint_down", untilAt: new Date(Date.now() + 119_000).toISOString() },
      },
    });
    await page
      .getByText("next in line for the model · the model does not answer, asked again in 1 min")
      .waitFor();
  });

  test("[WEB2] what is tried again says why and when", async () => {
    const page = await stage.open();
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { id } = stage.server.world.newest();
    stage.server.world.begin(id);
    stage.server.world.change(id, {
      status: "delayed",
      reason: {
        code: "backoff",
        untilAt: new Date(Date.now() + 179_000).toISOString(),
        message: "waits before it is tried again",
        error: { code: "model_stalled", message: "no token for 60 s" },
      },
    });
    await page
      .getByText("Retrying in 2 min · The model stopped in the middle of its answer.")
      .first()
      .waitFor();
  });

  test("[WEB3] a failed answer says why in words, keeps its text, and Retry runs the same task again", async () => {
    const page = await stage.open();
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { world } = stage.server;
    const { id } = world.newest();
    world.begin(id);
    world.say(id, "Half an ans");
    world.end(id, "failed", { code: "model_unavailable", message: "ECONNREFUSED" });
    await page.getByText("The model could not be reached.").waitFor();
    await expect.poll(() => lastAnswer(page)).toBe("Half an ans");

    await page.getByRole("button", { name: "Retry", exact: true }).click();
    await expect.poll(() => world.tasks.get(id)?.status).toBe("queued");
    await expect.poll(() => lastState(page)).toBe("queued");
    world.begin(id);
    world.reset(id, 0, false);
    world.say(id, "A whole answer");
    world.end(id, "completed");
    await expect.poll(() => lastAnswer(page)).toBe("A whole answer");
    expect(world.tasks.size).toBe(1);
    expect(await page.getByText("The model could not be reached.").count()).toBe(0);
  });

  test("[WEB4] Stop reacts at once and keeps the text that was seen", async () => {
    const page = await stage.open();
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { world } = stage.server;
    const { id } = world.newest();
    world.begin(id);
    world.say(id, "As far as this");
    await expect.poll(() => lastState(page)).toBe("streaming");
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await expect.poll(() => lastState(page)).toBe("stopped");
    expect(world.tasks.get(id)?.status).toBe("cancelled");
    await expect.poll(() => lastAnswer(page)).toBe("As far as this");
    await page.getByText("Stopped", { exact: true }).waitFor();
  });

  test("[WEB4] Stop pressed without a connection is sent when it is back", async () => {
    const page = await stage.open();
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { world } = stage.server;
    const { id } = world.newest();
    world.begin(id);
    world.say(id, "As far as this");
    await expect.poll(() => lastState(page)).toBe("streaming");
    await stage.server.down();
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("button", { name: "Stopping" }).waitFor();
    await stage.server.up();
    await expect.poll(() => world.tasks.get(id)?.status, { timeout: 15_000 }).toBe("cancelled");
    await expect.poll(() => lastState(page)).toBe("stopped");
  });

  test("[WEB5] a reload in mid-answer shows the same text and goes on behind it, with nothing twice", async () => {
    const page = await stage.open();
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { world } = stage.server;
    const { id } = world.newest();
    world.begin(id);
    for (const word of ["one ", "two ", "three "]) world.say(id, word);
    await expect.poll(() => lastAnswer(page)).toBe("one two three");
    await page.reload();
    await expect.poll(() => lastAnswer(page)).toBe("one two three");
    world.say(id, "four");
    await expect.poll(() => lastAnswer(page)).toBe("one two three four");
    world.end(id, "completed");
    await expect.poll(() => lastState(page)).toBe("done");
    expect(await answers(page)).toEqual(["one two three four"]);
  });

  test("[WEB5] streams that are cut and a server that restarts leave no gap and nothing twice", async () => {
    const page = await stage.open();
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { world } = stage.server;
    const { id } = world.newest();
    world.begin(id);
    world.say(id, "one ");
    await expect.poll(() => lastAnswer(page)).toBe("one");
    stage.server.cutStreams();
    world.say(id, "two ");
    await expect.poll(() => lastAnswer(page)).toBe("one two");
    await stage.server.down();
    world.say(id, "three ");
    await stage.server.up();
    await expect.poll(() => lastAnswer(page), { timeout: 15_000 }).toBe("one two three");
    await stage.server.down();
    world.say(id, "four");
    world.end(id, "completed");
    await stage.server.up();
    await expect.poll(() => lastState(page), { timeout: 15_000 }).toBe("done");
    expect(await answers(page)).toEqual(["one two three four"]);
  });

  test("[WEB6] a reset takes the void text away and shows the true continuation", async () => {
    const page = await stage.open();
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { world } = stage.server;
    const { id } = world.newest();
    world.begin(id);
    world.say(id, "The answer is 41");
    await expect.poll(() => lastAnswer(page)).toBe("The answer is 41");
    world.reset(id, 14, true);
    world.say(id, "42");
    await expect.poll(() => lastAnswer(page)).toBe("The answer is 42");
  });

  test("[WEB7] a second message during an answer waits for it, and both stay in order", async () => {
    const page = await stage.open();
    await send(page, "First");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { world } = stage.server;
    const first = world.newest();
    world.begin(first.id);
    world.say(first.id, "Answer one");
    await expect.poll(() => lastAnswer(page)).toBe("Answer one");
    await page.locator("#composer").fill("Second");
    await page.getByText("It will wait for the answer that is being given.").waitFor();
    await page.locator("#composer").press("Enter");
    await expect.poll(() => world.tasks.size).toBe(2);
    const second = world.newest();
    world.end(first.id, "completed");
    world.begin(second.id);
    world.say(second.id, "Answer two");
    await expect.poll(() => answers(page)).toEqual(["Answer one", "Answer two"]);
    const shown = await page.locator(".message .message-body").allInnerTexts();
    expect(shown).toEqual(["First", "Answer one", "Second", "Answer two"]);
  });

  test("[WEB8] another tab of the same chat shows the same messages, each once", async () => {
    const page = await stage.open();
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { world } = stage.server;
    const task = world.newest();
    const other = await stage.open(`#/c/${task.chatId}`);
    world.begin(task.id);
    world.say(task.id, "For both");
    for (const tab of [page, other]) await expect.poll(() => answers(tab)).toEqual(["For both"]);
    await send(other, "From the other tab");
    await expect.poll(() => page.getByText("From the other tab").count()).toBe(1);
    await expect.poll(() => other.getByText("From the other tab").count()).toBe(1);
  });

  test("[WEB9] a chat of a list opens, and one that does not exist says so", async () => {
    const { id } = stage.server.world.addSession("Trip to Lisbon", [
      "Plan it",
      "Day one: **walk**.",
    ]);
    const page = await stage.open();
    await page.getByRole("button", { name: "Trip to Lisbon" }).first().click();
    await expect.poll(() => answers(page)).toEqual(["Day one: walk."]);
    expect(page.url()).toContain(id);
    await page.goto(`${stage.server.url}/#/c/chat_nowhere`);
    await page.getByText("This chat does not exist, or it is not yours.").waitFor();
    await page.getByRole("button", { name: "Start a new chat" }).click();
    await page.getByText("What can I take care of?").waitFor();
  });
});
