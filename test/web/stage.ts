import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import type { BrowserContextOptions, Page } from "playwright-core";
import { missingBrowser, startBrowser } from "./browser.ts";
import type { TestBrowser } from "./browser.ts";
import { startStandIn } from "./stand-in-server.ts";
import type { StandIn } from "./stand-in-server.ts";

/** What a test of the page's states plays on: a fresh scripted server for each test, and a browser. */
export interface Stage {
  readonly server: StandIn;
  readonly browser: TestBrowser;
  /** Opens the page at a route, for example `#/c/chat_1`. */
  open(route?: string, options?: BrowserContextOptions): Promise<Page>;
}

/** Sets up a stage for all tests of a file. Each test ends with no script error and nothing refused by the policy. */
export function useStage(): Stage {
  let browser: TestBrowser | undefined;
  let server: StandIn | undefined;
  const opened: Page[] = [];

  beforeAll(async () => {
    if (missingBrowser === undefined) browser = await startBrowser();
  });
  afterAll(async () => browser?.close());
  beforeEach(async () => {
    server = await startStandIn();
  });
  afterEach(async () => {
    for (const page of opened.splice(0)) await page.context().close();
    await server?.close();
    expect(browser?.complaints.splice(0) ?? []).toEqual([]);
  });

  return {
    get server() {
      return ready(server);
    },
    get browser() {
      return ready(browser);
    },
    async open(route = "", options = {}) {
      const page = await ready(browser).open(`${ready(server).url}/${route}`, options);
      opened.push(page);
      return page;
    },
  };
}

function ready<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Error("the stage is used outside of a test");
  return thing;
}

/** Writes a message and sends it as a person does. */
export async function send(page: Page, text: string): Promise<void> {
  await page.locator("#composer").fill(text);
  await page.locator("#composer").press("Enter");
}

/** The answers on the page, oldest first, as their visible text. */
export async function answers(page: Page): Promise<string[]> {
  return page.locator('.message[data-role="assistant"] .message-body').allInnerTexts();
}

/** The last answer's visible text; "" while there is none. */
export async function lastAnswer(page: Page): Promise<string> {
  return (await answers(page)).at(-1) ?? "";
}

/** State of the last message, as the page names it. */
export async function lastState(page: Page): Promise<string | null> {
  return page.locator(".message").last().getAttribute("data-state");
}
