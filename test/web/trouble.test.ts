import { describe, expect, test } from "vitest";
import { missingBrowser } from "./browser.ts";
import { answers, lastAnswer, lastState, send, useStage } from "./stage.ts";

describe.skipIf(missingBrowser !== undefined)("trouble, said in words", () => {
  const stage = useStage();

  test("[WEB10] a message without a connection stays with Retry, and Retry sends it once", async () => {
    const page = await stage.open();
    await page.getByText("Live", { exact: true }).waitFor();
    await stage.server.down();
    await send(page, "Are you there?");
    await page.getByText("Not sent. No connection to the server.").waitFor();
    await stage.server.up();
    await page.getByRole("button", { name: "Retry", exact: true }).click();
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    await expect.poll(() => lastState(page)).toBe("queued");
    expect(await page.locator(".message").getByText("Are you there?").count()).toBe(1);
  });

  test("[WEB10] an answer that got lost on its way does not make the message twice", async () => {
    const page = await stage.open();
    const lost = { status: 502, code: "unavailable", detail: "the proxy gave up" };
    const answered = Promise.withResolvers<void>();
    await page.route("**/api/chat/stream", async (route) => {
      // The server accepts it; the browser gets a proxy's error.
      await route.fetch();
      await route.fulfill({ status: lost.status, json: lost });
      answered.resolve();
    });
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    // Taking a route away continues what its handler has not answered yet.
    await answered.promise;
    await page.unroute("**/api/chat/stream");
    await page.reload();
    await expect.poll(() => page.locator('.message[data-role="user"]').count()).toBe(1);
    expect(stage.server.world.tasks.size).toBe(1);
  });

  test("[WEB10] an unsent message survives a closed tab", async () => {
    const page = await stage.open();
    await page.getByText("Live", { exact: true }).waitFor();
    await stage.server.down();
    await send(page, "Do not lose me");
    await page.getByText("Not sent.").waitFor();
    const address = page.url();
    await stage.server.up();
    await page.goto("about:blank");
    await page.goto(address);
    await page.locator(".message").getByText("Do not lose me").waitFor();
    await page.getByRole("button", { name: "Retry", exact: true }).click();
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
  });

  test("[WEB67] an answer whose renderer cannot be fetched is plain text, and markdown once it can", async () => {
    const page = await stage.open();
    let refusals = 0;
    await page.route("**/assets/markdown-*.js", async (route) => {
      refusals += 1;
      await (refusals <= 2 ? route.abort() : route.continue());
    });
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { world } = stage.server;
    const { id } = world.newest();
    world.begin(id);
    world.say(id, "It is **bold**");
    await page.locator('.message[data-role="assistant"] .plain').getByText("**bold**").waitFor();
    world.end(id, "completed");
    await page
      .locator('.message[data-role="assistant"]')
      .getByText("bold", { exact: true })
      .waitFor();
    expect(refusals).toBeGreaterThan(2);
  });

  test("[WEB11] a 4xx names the field and what it may be", async () => {
    const page = await stage.open();
    const errors = [{ field: "message", message: "must be 1..200000 characters, got 0" }];
    stage.server.refuse("POST /api/chat/stream", {
      status: 400,
      code: "invalid_request",
      detail: "the request is not valid",
      errors,
    });
    await send(page, "Hello");
    await page.getByText("Not sent. The server did not accept this.").waitFor();
    await page.getByText("message: must be 1..200000 characters, got 0.").waitFor();
  });

  test("[WEB11] a 429 says how long to wait, a 507 that the disk is full, a 500 which request it was", async () => {
    const page = await stage.open();
    const attempts = [
      { status: 429, code: "rate_limited", detail: "", retryAfterMs: 12_000 },
      { status: 507, code: "storage_full", detail: "" },
      { status: 500, code: "internal", detail: "" },
    ];
    for (const refusal of attempts) stage.server.refuse("POST /api/chat/stream", refusal);
    await send(page, "Hello");
    await page.getByText("The server asks to wait 12 s.").waitFor();
    await page.getByRole("button", { name: "Retry", exact: true }).click();
    await page.getByText("The server's disk is full; nothing was accepted.").waitFor();
    await page.getByRole("button", { name: "Retry", exact: true }).click();
    await page.getByText("In its log this is request req_stand_in.").waitFor();
    await page.getByRole("button", { name: "Discard" }).click();
    await expect.poll(() => page.locator(".message").count()).toBe(0);
  });

  test("[WEB12] a lost connection is said after two seconds, in a line and not in a dialog", async () => {
    const page = await stage.openFresh();
    await page.getByText("Live", { exact: true }).waitFor();
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + 1_000);
    await stage.server.down();
    await page.getByText("Reconnecting", { exact: true }).waitFor();
    await page.clock.runFor(1_900);
    expect(await page.getByText("this page reconnects by itself").count()).toBe(0);
    await page.clock.runFor(200);
    await page.getByText("this page reconnects by itself").waitFor();
    expect(await page.locator("dialog").count()).toBe(0);
    await stage.server.up();
    await page.clock.runFor(12_000);
    await page.getByText("Live", { exact: true }).waitFor();
    await expect.poll(() => page.getByText("this page reconnects by itself").count()).toBe(0);
  });

  test("[WEB13] the key form comes only when the server asks, and the key is kept for the next visit", async () => {
    stage.server.demandKey("correct horse");
    const page = await stage.open();
    await page.getByLabel("API key", { exact: true }).fill("wrong");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("The server did not accept that key.").waitFor();
    await page.getByLabel("API key", { exact: true }).fill("correct horse");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("What can I take care of?").waitFor();
    await page.reload();
    await page.getByText("What can I take care of?").waitFor();
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { id } = stage.server.world.newest();
    stage.server.world.begin(id);
    stage.server.world.say(id, "With a key");
    await expect.poll(() => lastAnswer(page)).toBe("With a key");
    await page.getByRole("button", { name: "Forget the API key" }).click();
    await page.getByLabel("API key", { exact: true }).waitFor();
    expect(new URL(page.url()).hash).toBe("#/");
    await page.getByLabel("API key", { exact: true }).fill("correct horse");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("What can I take care of?").waitFor();
    expect(await answers(page)).toEqual([]);
  });

  test("[WEB44] a browser that refuses storage opens the page, and the key works as long as it", async () => {
    stage.server.demandKey("correct horse");
    const page = await stage.open();
    await page.addInitScript(() => {
      Object.defineProperty(window, "localStorage", {
        get() {
          throw new DOMException("refused", "SecurityError");
        },
      });
    });
    await page.reload();
    await page.getByLabel("API key", { exact: true }).fill("correct horse");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("What can I take care of?").waitFor();
  });

  test("[WEB14] a chat that cannot be loaded says why and can be loaded again", async () => {
    const { id } = stage.server.world.addSession("Trip", ["Plan it", "Walk."]);
    const failure = { status: 503, code: "unavailable", detail: "" };
    stage.server.refuse("GET /api/sessions/", failure, 3);
    const page = await stage.open(`#/c/${id}`);
    await page.getByText("The server cannot do this right now.").first().waitFor();
    await page.getByRole("button", { name: "Load again" }).click();
    await expect
      .poll(async () => {
        const button = page.getByRole("button", { name: "Load again" });
        if ((await button.count()) > 0) await button.click();
        return lastAnswer(page);
      })
      .toBe("Walk.");
  });

  test("[WEB14] a further page of tasks that cannot be loaded is not asked for again and again", async () => {
    const { world } = stage.server;
    for (let count = 0; count < 150; count += 1)
      world.addTask({ input: { text: `note ${count}` }, status: "completed" });
    const page = await stage.open();
    await page.getByText("note 149", { exact: true }).waitFor();
    const failure = { status: 503, code: "unavailable", detail: "" };
    const asked = (): number =>
      stage.server.requests.filter((one) => one === "GET /api/tasks").length;
    const before = asked();
    stage.server.refuse("GET /api/tasks", failure, 1_000);
    await page.locator(".panel-body").evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await page.getByText("The server cannot do this right now.").waitFor();
    // The list looks once a frame whether its end is in sight: a page that asks again would do so every other frame.
    await page.evaluate(async () => {
      for (let frame = 0; frame < 30; frame += 1)
        await new Promise((resolve) => requestAnimationFrame(resolve));
    });
    expect(asked() - before).toBeLessThan(3);
  });
});
