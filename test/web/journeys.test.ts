import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { servePage } from "../../examples/plain-page/serve.ts";
import { createClient } from "../../src/client/index.ts";
import type { SessionSnapshot } from "../../src/client/index.ts";
import { missingBrowser, startBrowser } from "./browser.ts";
import type { TestBrowser } from "./browser.ts";
import { lastAnswer, lastState, send } from "./stage.ts";
import { freePort, startServer } from "./start-server.ts";
import type { TestServer, TestServerOptions } from "./start-server.ts";

/** 150 words at 60 a second: two and a half seconds, long enough to be interrupted anywhere. */
const long = "[[repeat 150 word]]";
const longText = Array.from({ length: 150 }, () => "word").join(" ");

const patient = { timeout: 20_000 } as const;

describe.skipIf(missingBrowser !== undefined)("journeys on the real server", () => {
  let browser: TestBrowser;
  /** The server of all tests that want nothing special of it. */
  let ordinary: TestServer;
  let server: TestServer;
  const closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    [browser, ordinary] = await Promise.all([startBrowser(), startServer()]);
  });
  afterAll(() => Promise.all([browser.close(), ordinary.close()]));
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
    expect(browser.complaints.splice(0)).toEqual([]);
  });

  async function begin(options?: TestServerOptions): Promise<Page> {
    server = options === undefined ? ordinary : await startServer(options);
    if (server !== ordinary) closing.push(() => server.close());
    return open();
  }

  async function open(address: string = server.url): Promise<Page> {
    const page = await browser.open(address);
    closing.push(() => page.context().close());
    return page;
  }

  async function servePlainPage(): Promise<string> {
    const port = await freePort();
    const plain = servePage(port, Number(new URL(server.url).port));
    closing.push(async () => {
      plain.closeAllConnections();
      plain.close();
    });
    return `http://127.0.0.1:${port}`;
  }

  async function stored(page: Page): Promise<SessionSnapshot> {
    const id = /#\/c\/([^/]+)/.exec(page.url())?.[1] ?? "";
    const snapshot = await createClient({ baseUrl: server.url }).chat.session(id);
    if (snapshot === null) throw new Error("the session is not there");
    return snapshot;
  }

  async function storedAnswer(page: Page): Promise<string> {
    const { messages } = await stored(page);
    const parts = messages.findLast((message) => message.role === "assistant")?.parts ?? [];
    return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  }

  async function shownChars(page: Page): Promise<number> {
    return (await lastAnswer(page)).length;
  }

  test("[WEB50] send, close the tab in mid-answer, open it again: the text is the stored text", async () => {
    const page = await begin();
    await send(page, long);
    await expect.poll(() => shownChars(page), patient).toBeGreaterThan(40);
    expect(await lastState(page)).toBe("streaming");
    const address = page.url();
    await page.close();

    const again = await open(address);
    await expect.poll(() => shownChars(again), patient).toBeGreaterThan(40);
    await expect.poll(() => lastState(again), patient).toBe("done");
    expect(await lastAnswer(again)).toBe(longText);
    expect(await storedAnswer(again)).toBe(longText);
    expect(await again.locator(".message").count()).toBe(2);
  });

  test("[WEB50] a tab that comes back after the end shows the stored text", async () => {
    const page = await begin();
    await send(page, long);
    await expect.poll(() => shownChars(page), patient).toBeGreaterThan(20);
    const address = page.url();
    await page.close();
    const client = createClient({ baseUrl: server.url });
    const [task] = (await client.tasks.list()).tasks;
    const items = client.follow(task?.id ?? "");
    while ((await items.next()).done !== true);
    const again = await open(address);
    await expect.poll(() => lastAnswer(again), patient).toBe(longText);
    expect(await lastState(again)).toBe("done");
  });

  test("[WEB51] kill -9 in mid-answer under an open page: it goes on by itself, to the stored text", async () => {
    const page = await begin();
    await send(page, long);
    await expect.poll(() => shownChars(page), patient).toBeGreaterThan(40);
    await server.kill();
    await server.start();
    await expect.poll(() => lastState(page), patient).toBe("done");
    await expect.poll(() => lastAnswer(page)).toBe(longText);
    expect(await storedAnswer(page)).toBe(longText);
    expect(await page.locator(".message").count()).toBe(2);
    await page.getByText("Live", { exact: true }).waitFor();
  });

  test("[WEB52] a reload in mid-answer goes on where it was", async () => {
    const page = await begin();
    await send(page, long);
    await expect.poll(() => shownChars(page), patient).toBeGreaterThan(40);
    const before = await shownChars(page);
    await page.reload();
    await expect.poll(() => shownChars(page), patient).toBeGreaterThanOrEqual(before);
    await expect.poll(() => lastState(page), patient).toBe("done");
    await expect.poll(() => lastAnswer(page)).toBe(longText);
  });

  test("[WEB53] Stop keeps what was seen, and what is kept begins with it", async () => {
    const page = await begin();
    await send(page, long);
    await expect.poll(() => shownChars(page), patient).toBeGreaterThan(40);
    const seen = await lastAnswer(page);
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await expect.poll(() => lastState(page), patient).toBe("stopped");
    const kept = await lastAnswer(page);
    expect(kept.startsWith(seen)).toBe(true);
    expect(kept.length).toBeLessThan(longText.length);
    await page.reload();
    await expect.poll(() => lastAnswer(page), patient).toBe(kept);
    expect(await lastState(page)).toBe("stopped");
  });

  test("[WEB54] a model that fails is said in words, and Retry answers after all", async () => {
    const page = await begin();
    await send(page, "[[say All is well]] [[fault status status=400 times=1]]");
    await expect.poll(() => lastState(page), patient).toBe("failed");
    await page.locator(".trouble").getByText(/model/).first().waitFor();
    await page.getByRole("button", { name: "Retry", exact: true }).click();
    await expect.poll(() => lastState(page), patient).toBe("done");
    await expect.poll(() => lastAnswer(page)).toBe("All is well");
    expect(await page.locator(".message").count()).toBe(2);
  });

  test("[WEB55] a second message waits for the first answer, and both are answered in order", async () => {
    const page = await begin();
    await send(page, long);
    await expect.poll(() => shownChars(page), patient).toBeGreaterThan(20);
    await send(page, "[[say Second answer]]");
    await expect.poll(() => lastState(page), patient).toBe("queued");
    await expect.poll(() => lastState(page), patient).toBe("done");
    const texts = await page
      .locator('.message[data-role="assistant"] .message-body')
      .allInnerTexts();
    expect(texts).toEqual([longText, "Second answer"]);
  });

  test("[WEB56] without a model: enqueue in words, see the job in the panel, work on it, list it", async () => {
    const page = await begin({ model: false });
    await page.getByText("No model connected").first().waitFor();
    await send(page, "enqueue water the plants");
    await expect.poll(() => lastState(page), patient).toBe("done");
    const row = page.locator(".task").filter({ hasText: "water the plants" });
    await row.waitFor();
    await row.getByText("Held").waitFor();
    await send(page, "process a job");
    await row.getByText("Done").waitFor();
    await send(page, "list");
    await expect
      .poll(async () => (await lastAnswer(page)).includes("water the plants"), patient)
      .toBe(true);
  });

  test("[WEB57] with keys on, the page asks for one and then works as ever", async () => {
    const page = await begin({ env: { ERRAND_ADMIN_KEY: "an-admin-key-for-the-test" } });
    const made = await fetch(`${server.url}/api/admin/keys`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: "Bearer an-admin-key-for-the-test",
      },
      body: JSON.stringify({ user: "u1" }),
    });
    const { key } = (await made.json()) as { key: string };
    await page.getByLabel("API key", { exact: true }).fill(key);
    await page.getByRole("button", { name: "Continue" }).click();
    await send(page, "[[say With a key]]");
    await expect.poll(() => lastAnswer(page), patient).toBe("With a key");
    await page.reload();
    await expect.poll(() => lastAnswer(page), patient).toBe("With a key");
  });

  test("[WEB59] the plain page sends, follows, comes back in mid-answer with the same text, and stops", async () => {
    await begin();
    const page = await open(await servePlainPage());
    const text = (): Promise<string> => page.locator("#text").innerText();
    const ask = async (words: string): Promise<void> => {
      await page.getByLabel("Message").fill(words);
      await page.getByRole("button", { name: "Send" }).click();
    };
    await ask(long);
    await expect.poll(async () => (await text()).length, patient).toBeGreaterThan(40);
    await page.reload();
    await expect.poll(async () => (await text()).length, patient).toBeGreaterThan(40);
    await server.kill();
    await server.start();
    await expect.poll(() => page.locator("#state").innerText(), patient).toBe("completed");
    expect(await text()).toBe(longText);
    await ask(long);
    await expect.poll(async () => (await text()).length, patient).toBeLessThan(longText.length);
    await page.getByRole("button", { name: "Stop" }).click();
    await expect.poll(() => page.locator("#state").innerText(), patient).toContain("cancelled");
  });

  test("[WEB58] a deleted chat is gone here and on the server", async () => {
    const page = await begin();
    await send(page, "[[say Short lived]]");
    await expect.poll(() => lastState(page), patient).toBe("done");
    const { id } = await stored(page);
    const row = page.locator(".session").filter({ hasText: "Short lived" });
    await row.hover();
    await row.getByRole("button", { name: /Delete chat/ }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("What can I take care of?").waitFor();
    await expect.poll(() => row.count()).toBe(0);
    await expect(createClient({ baseUrl: server.url }).chat.session(id)).rejects.toMatchObject({
      failure: { code: "not_found" },
    });
  });
});
