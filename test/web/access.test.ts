import { describe, expect, test } from "vitest";
import { composerKeys, shortcuts } from "../../src/web/view/shortcuts.ts";
import { axeFindings } from "./axe.ts";
import { missingBrowser } from "./browser.ts";
import { lastAnswer, lastState, phone, send, smallTargets, useStage } from "./stage.ts";

describe.skipIf(missingBrowser !== undefined)("everybody can use the page", () => {
  const stage = useStage();

  test("[WEB40] axe finds nothing wrong with a thousand tasks, their details, the sheet and the drawers", async () => {
    const { world } = stage.server;
    for (let count = 0; count < 1_000; count += 1) world.addTask({ status: "completed" });
    const task = world.addTask({ type: "generate", input: { prompt: "Write" }, status: "queued" });
    world.begin(task.id);
    world.progress(task.id, { done: 1, total: 2, message: "on it" });
    const page = await stage.open("", { reducedMotion: "reduce" });
    await page.locator(".task").first().waitFor();
    await expect.poll(() => axeFindings(page)).toEqual([]);
    await page.locator(".task-open").first().click();
    await page.getByText("task.progress").waitFor();
    await expect.poll(() => axeFindings(page)).toEqual([]);
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await expect.poll(() => axeFindings(page)).toEqual([]);
    const small = await stage.open("", { ...phone, reducedMotion: "reduce" });
    for (const name of ["Chats", /Tasks and todos/]) {
      await small.getByRole("button", { name }).click();
      await small.getByRole("dialog").waitFor();
      await expect.poll(() => axeFindings(small)).toEqual([]);
      expect(await smallTargets(small)).toEqual([]);
      await small.keyboard.press("Escape");
      await expect.poll(() => small.getByRole("dialog").count()).toBe(0);
    }
  });

  test("[WEB42] every key of the sheet works, and the sheet lists every key", async () => {
    const page = await stage.open();
    await page.getByText("What can I take care of?").waitFor();
    await page.keyboard.press("?");
    const listed = await page.locator("dialog kbd").allInnerTexts();
    expect(listed).toEqual([...shortcuts, ...composerKeys].map(({ key }) => key));
    await page.keyboard.press("Escape");
    await expect.poll(() => page.locator("dialog").count()).toBe(0);

    await page.keyboard.press("/");
    const isFocused = (): Promise<boolean> =>
      page.locator("#composer").evaluate((box) => box === document.activeElement);
    expect(await isFocused()).toBe(true);
    await page.keyboard.type("n?t");
    expect(await page.locator("#composer").inputValue()).toBe("n?t");
    await page.keyboard.press("Escape");
    expect(await isFocused()).toBe(false);
    await page.keyboard.press("t");
    await expect.poll(() => page.getByRole("complementary").count()).toBe(0);
    await page.keyboard.press("t");
    await page.getByRole("complementary").waitFor();
    await page.keyboard.press("c");
    await expect.poll(() => page.getByRole("navigation").count()).toBe(0);

    await page.locator("#composer").fill("one\n");
    await page.locator("#composer").press("Shift+Enter");
    expect(stage.server.world.tasks.size).toBe(0);
    await page.locator("#composer").press("Enter");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    stage.server.world.begin(stage.server.world.newest().id);
    stage.server.world.say(stage.server.world.newest().id, "going on");
    await expect.poll(() => lastAnswer(page)).toBe("going on");
    await page.keyboard.press("Escape");
    await expect.poll(() => stage.server.world.newest().status).toBe("cancelled");
    await page.keyboard.press("Escape");
    await page.keyboard.press("n");
    await page.getByText("What can I take care of?").waitFor();
    expect(await isFocused()).toBe(true);
  });

  test("[WEB43] a screen reader hears whole sentences and the end, not tokens", async () => {
    const page = await stage.open();
    await page.evaluate(() => {
      const heard: string[] = [];
      Object.assign(window, { heard });
      const region = document.querySelector("output[aria-live=polite]");
      new MutationObserver(() => heard.push(region?.textContent ?? "")).observe(
        region ?? document,
        {
          childList: true,
          characterData: true,
          subtree: true,
        },
      );
    });
    const heard = (): Promise<string[]> =>
      page.evaluate(() => ("heard" in window && Array.isArray(window.heard) ? window.heard : []));
    await send(page, "Hello");
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const { world } = stage.server;
    const { id } = world.newest();
    world.begin(id);
    for (const word of ["It ", "is ", "one"]) world.say(id, word);
    await expect.poll(() => lastAnswer(page)).toBe("It is one");
    expect(await heard()).toEqual([]);
    world.say(id, ". And then");
    await expect.poll(heard).toEqual(["It is one."]);
    world.say(id, " two");
    world.end(id, "completed");
    await expect.poll(heard).toEqual(["It is one.", "And then two The answer is complete."]);
  });

  test("[WEB44] the theme follows the device until one is chosen, and the choice is kept", async () => {
    const page = await stage.open("", { colorScheme: "dark" });
    const paper = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await paper();
    await page.getByRole("button", { name: /Colours: as the device/ }).click();
    await expect.poll(paper).not.toBe(dark);
    const light = await paper();
    await page.reload();
    await expect.poll(paper).toBe(light);
    await page.getByRole("button", { name: /Colours: light/ }).click();
    await expect.poll(paper).toBe(dark);
  });

  test("[WEB45] an own message is seen although one has read far up, and a growing answer does not pull one down", async () => {
    const texts = Array.from({ length: 30 }, (_, index) => `Text ${index}. `.repeat(40));
    const { id } = stage.server.world.addSession("Long", texts);
    const page = await stage.open(`#/c/${id}`);
    const scroller = page.locator(".scroller");
    const below = (): Promise<number> =>
      scroller.evaluate((box) => Math.round(box.scrollHeight - box.clientHeight - box.scrollTop));
    await expect.poll(below).toBe(0);
    await page.mouse.move(600, 300);
    await page.mouse.wheel(0, -2_000);
    await expect.poll(below).toBeGreaterThan(500);
    await send(page, "Mine");
    await expect.poll(below).toBe(0);
    await expect.poll(() => stage.server.world.tasks.size).toBe(1);
    const answering = stage.server.world.newest().id;
    stage.server.world.begin(answering);
    stage.server.world.say(answering, "Line of text. ".repeat(200));
    await expect.poll(() => lastState(page)).toBe("streaming");
    await expect.poll(below).toBe(0);
    await page.mouse.wheel(0, -1_000);
    await expect.poll(below).toBeGreaterThan(500);
    const before = await scroller.evaluate((box) => box.scrollTop);
    stage.server.world.say(answering, "More of it. ".repeat(100));
    await expect.poll(async () => (await lastAnswer(page)).includes("More of it.")).toBe(true);
    expect(await scroller.evaluate((box) => box.scrollTop)).toBe(before);
    await page.getByRole("button", { name: "Newest" }).click();
    await expect.poll(below).toBe(0);
  });
});
