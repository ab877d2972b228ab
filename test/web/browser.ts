import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { contentSecurityPolicy } from "./built-page.ts";

/** One browser for a test file, and everything its pages complained of. */
export interface TestBrowser {
  /** Opens an address in a fresh profile. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /**
   * Opens an address in a page with these options that was left before, if there is one: its storage is empty, and it
   * is there three times as fast as a fresh profile. Not for a test that installs a clock, which stays.
   */
  reopen(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** Closes a page with its profile, or keeps it for `reopen` if it came from there. */
  leave(page: Page): Promise<void>;
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
  const open: TestBrowser["open"] = (url, options) => openPage(browser, complaints, url, options);
  const kept = new KeptPages(open);
  return {
    complaints,
    open,
    reopen: (url, options) => kept.open(url, options),
    leave: (page) => kept.leave(page),
    close: () => browser.close(),
  };
}

/** Pages that were left, by their options. */
class KeptPages {
  readonly #open: TestBrowser["open"];
  readonly #free = new Map<string, Page[]>();
  readonly #lent = new Map<Page, string>();

  constructor(open: TestBrowser["open"]) {
    this.#open = open;
  }

  async open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const key = JSON.stringify(options);
    const page = this.#free.get(key)?.pop() ?? (await this.#open("about:blank", options));
    this.#lent.set(page, key);
    const { colorScheme = null, reducedMotion = null } = options;
    await page.emulateMedia({ colorScheme, reducedMotion });
    await page.goto(url);
    return page;
  }

  async leave(page: Page): Promise<void> {
    const key = this.#lent.get(page);
    this.#lent.delete(page);
    if (key === undefined || page.isClosed()) {
      await page.context().close();
      return;
    }
    await page.unrouteAll({ behavior: "ignoreErrors" });
    const { origin } = new URL(page.url());
    await page.goto("about:blank");
    // A later server may get the same port.
    const devtools = await page.context().newCDPSession(page);
    if (origin !== "null")
      await devtools.send("Storage.clearDataForOrigin", { origin, storageTypes: "all" });
    await devtools.detach();
    const free = this.#free.get(key);
    if (free === undefined) this.#free.set(key, [page]);
    else free.push(page);
  }
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
