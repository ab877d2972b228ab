import { describe, expect, test } from "vitest";
import { axeFindings } from "./axe.ts";
import { missingBrowser } from "./browser.ts";
import { scenes } from "./scenes.ts";
import { phone, smallTargets, useStage } from "./stage.ts";

/** What another colour scheme can break: the rest has just been looked at. */
const colourRules = ["color-contrast", "link-in-text-block"];

/** Scenes that differ from another one only for the eye. */
const alike = ["richTop", "noQueues", "readme", "thousandTasks"];

describe.skipIf(missingBrowser !== undefined)("everybody can use every state of the page", () => {
  const stage = useStage();

  for (const [name, play] of Object.entries(scenes)) {
    if (alike.includes(name)) continue;
    test(`[WEB40] axe finds nothing wrong, light and dark: ${name}`, async () => {
      const page = await stage.open("", { colorScheme: "light", reducedMotion: "reduce" });
      await play(stage.server, page);
      await expect.poll(() => axeFindings(page)).toEqual([]);
      await page.emulateMedia({ colorScheme: "dark" });
      await expect.poll(() => axeFindings(page, colourRules)).toEqual([]);
      // The next test begins with the context's own scheme.
      await page.emulateMedia({ colorScheme: null });
    });

    test(`[WEB41] at 360 px nothing is cut off and everything can be touched: ${name}`, async () => {
      const page = await stage.open("", phone);
      await play(stage.server, page);
      // A drawer that slides in is smaller and beyond the edge for a moment.
      await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      await expect.poll(() => smallTargets(page)).toEqual([]);
    });
  }
});
