/**
 * Puts every scene on pictures: desktop and phone, light and dark, and one sheet of all for a quick look.
 *
 *     node scripts/build-web.ts && node test/web/look.ts [folder] [scene ...]
 *
 * The folder is `.cache/look` unless named; it is not committed.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { startBrowser, type TestBrowser } from "./browser.ts";
import { scenes } from "./scenes.ts";
import { startStandIn } from "./stand-in-server.ts";

const views = [
  { name: "desk", width: 1280, height: 800 },
  { name: "phone", width: 390, height: 844 },
] as const;
const schemes = ["light", "dark"] as const;

const [folder = join(".cache", "look"), ...wanted] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await startBrowser();
const files: string[] = [];
for (const name of wanted.length === 0 ? Object.keys(scenes) : wanted)
  for (const view of views)
    for (const colorScheme of schemes) {
      const file = `${name}-${view.name}-${colorScheme}.png`;
      await take(browser, name, { ...view, colorScheme, file: join(folder, file) });
      files.push(file);
    }
await sheets(browser, files);
await browser.close();
console.log(`${files.length} pictures in ${folder}`);

interface Shot {
  readonly width: number;
  readonly height: number;
  readonly colorScheme: "light" | "dark";
  readonly file: string;
}

async function take(
  chromium: TestBrowser,
  name: string,
  { width, height, colorScheme, file }: Shot,
): Promise<void> {
  const scene = scenes[name];
  if (scene === undefined) throw new Error(`no scene is called ${name}`);
  const server = await startStandIn();
  const isPhone = width < 600;
  const page = await chromium.open(server.url, {
    viewport: { width, height },
    colorScheme,
    reducedMotion: "reduce",
    ...(isPhone ? { isMobile: true, hasTouch: true, deviceScaleFactor: 2 } : {}),
  });
  try {
    await scene(server, page);
    await settled(page);
    await page.screenshot({ path: file });
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    await page.screenshot({ path: file });
  } finally {
    await page.context().close();
    await server.close();
  }
}

/** Two frames without a change of fonts or layout. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        void document.fonts.ready.then(() =>
          requestAnimationFrame(() => requestAnimationFrame(() => resolve())),
        );
      }),
  );
}

/** One picture for each kind of view, with all scenes on it. */
async function sheets(chromium: TestBrowser, all: readonly string[]): Promise<void> {
  for (const view of views)
    for (const scheme of schemes) {
      const shown = all.filter((file) => file.endsWith(`-${view.name}-${scheme}.png`));
      const figures = shown.map((file) => {
        const source = readFileSync(join(folder, file)).toString("base64");
        return `<figure><img width="${view.name === "desk" ? 760 : 300}" src="data:image/png;base64,${source}"><figcaption>${file}</figcaption></figure>`;
      });
      const page = await chromium.open("about:blank", { viewport: { width: 1600, height: 900 } });
      await page.setContent(
        `<style>body{display:flex;flex-wrap:wrap;gap:12px;background:#888;font:14px sans-serif}figure{margin:0}</style>${figures.join("")}`,
      );
      await page.screenshot({
        path: join(folder, `all-${view.name}-${scheme}.png`),
        fullPage: true,
      });
      await page.context().close();
    }
}
