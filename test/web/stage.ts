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
  /** Opens the page at a route, for example `#/c/chat_1`, with nothing stored in the browser. */
  open(route?: string, options?: BrowserContextOptions): Promise<Page>;
  /** The same in a profile of its own, for a test that changes more of the browser than its page. */
  openFresh(route?: string): Promise<Page>;
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
    for (const page of opened.splice(0)) await ready(browser).leave(page);
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
      const page = await ready(browser).reopen(`${ready(server).url}/${route}`, options);
      opened.push(page);
      return page;
    },
    async openFresh(route = "") {
      const page = await ready(browser).open(`${ready(server).url}/${route}`);
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

/** A phone of the smallest width that the page is made for. */
export const phone: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  hasTouch: true,
  isMobile: true,
};

/** Things to press that are smaller than a finger (44 px). Links inside a text are text. */
export async function smallTargets(page: Page): Promise<string[]> {
  const scope = (await page.locator("dialog").count()) > 0 ? "dialog" : "body";
  const targets = page.locator(`${scope} :is(button, summary, textarea, input):visible:not(.skip)`);
  return targets.evaluateAll((all) =>
    all.flatMap((target) => {
      // A box inside its label is pressed by the label.
      const { width, height } = (target.closest("label") ?? target).getBoundingClientRect();
      const isSmall = width < 44 || height < 44;
      return isSmall ? [`${target.outerHTML.slice(0, 120)} ${width}x${height}`] : [];
    }),
  );
}
