import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { contentSecurityPolicy } from "./built-page.ts";

/** One browser for a test file, and everything its pages complained of. */
export interface TestBrowser {
  /** Opens an address in a fresh profile. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** What pages reported: script errors, refused content. A test that expects some empties it. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** Why the browser tests cannot run here, or undefined. `npm test` says it aloud and fails in CI. */
export const missingBrowser: string | undefined = process.env["ERRAND_NO_BROWSER"];

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts Chromium. */
export async function startBrowser(): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath: process.env["CHROME_PATH"] ?? "/usr/bin/chromium",
    args: flags,
  });
  const complaints: string[] = [];
  return {
    complaints,
    open: (url, options) => openPage(browser, complaints, url, options),
    close: () => browser.close(),
  };
}

async function openPage(
  browser: Browser,
  complaints: string[],
  url: string,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A lost connection and an error status are told by the browser itself; the page tells the person.
    const isNetwork = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isNetwork) complaints.push(message.text());
  });
  await page.goto(url);
  return page;
}

/** Quoted in the complaint of a page that breaks the policy. */
export const policy: string = contentSecurityPolicy;
