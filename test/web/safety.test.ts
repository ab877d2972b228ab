import { describe, expect, test } from "vitest";
import { missingBrowser } from "./browser.ts";
import { useStage } from "./stage.ts";

/** Texts that a model may be made to say. None may run a script, load anything from elsewhere or leave its place. */
const hostile: readonly string[] = [
  "<script>window.hacked = 1</script>",
  '<img src="http://evil.example/a.png" onerror="window.hacked = 1">',
  "![picture](http://evil.example/b.png)",
  "[click](javascript:window.hacked=1)",
  "[click](data:text/html,<script>window.hacked=1</script>)",
  "[click](vbscript:x)",
  '<a href="javascript:window.hacked=1">x</a>',
  '<iframe src="http://evil.example/"></iframe>',
  '<style>@import "http://evil.example/c.css"; body { display: none }</style>',
  '<svg onload="window.hacked = 1"><use href="http://evil.example/d.svg#x"/></svg>',
  '<form action="http://evil.example/"><button>send</button></form>',
  '<div style="position:fixed;inset:0;background:url(http://evil.example/e.png)">x</div>',
  '<base href="http://evil.example/">',
  '<link rel="stylesheet" href="http://evil.example/f.css">',
  '<video src="http://evil.example/g.mp4" autoplay></video>',
  "```html\n<script>window.hacked = 1</script>\n```",
  '<details open ontoggle="window.hacked = 1"><summary>x</summary></details>',
  "[ref]\n\n[ref]: javascript:window.hacked=1",
  "<math><mtext></mtext><script>window.hacked = 1</script></math>",
  '\u202Egnp.exe <b onmouseover="window.hacked = 1">bold</b>',
];

describe.skipIf(missingBrowser !== undefined)("what a model says is data", () => {
  const stage = useStage();

  test("[WEB30] no hostile text runs a script, calls another server, or makes a dangerous link", async () => {
    const texts = hostile.flatMap((text, index) => [`number ${index}`, text]);
    const { id } = stage.server.world.addSession("Hostile", texts);
    const page = await stage.open();
    const foreign: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(stage.server.url)) foreign.push(request.url());
    });
    await page.goto(`${stage.server.url}/#/c/${id}`);
    await expect.poll(() => page.locator('.message[data-role="assistant"]').count()).toBe(20);
    await page.locator(".message .markdown").last().waitFor();
    for (const answer of await page.locator(".message-body").all()) await answer.hover();

    expect(await page.evaluate(() => "hacked" in window)).toBe(false);
    expect(foreign).toEqual([]);
    const links = await page
      .locator(".messages a")
      .evaluateAll((all) =>
        all.map((link) => (link instanceof HTMLAnchorElement ? link.protocol : "")),
      );
    expect(links.filter((protocol) => protocol !== "http:" && protocol !== "https:")).toEqual([]);
    const forbidden =
      ".messages :is(script, iframe, img, style, link, form, video, svg:not(.icon), base)";
    expect(await page.locator(forbidden).count()).toBe(0);
    const styled = await page.locator(".messages [style]").count();
    expect(styled).toBe(0);
  });

  test("[WEB30] a link of an answer opens elsewhere and tells nothing about this page", async () => {
    const { id } = stage.server.world.addSession("Link", ["x", "See [it](https://example.org/a)."]);
    const page = await stage.open(`#/c/${id}`);
    const link = page.getByRole("link", { name: "it" });
    expect(await link.getAttribute("target")).toBe("_blank");
    expect(await link.getAttribute("rel")).toBe("noopener noreferrer nofollow");
  });
});
