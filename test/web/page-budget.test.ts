import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { builtPage } from "./built-page.ts";

/** First load of the page: the page may have at most 150 KB of JavaScript after gzip. */
const firstLoadBytesMax = 150_000;

describe("the built page", () => {
  const html = readFileSync(join(builtPage, "index.html"), "utf8");

  test("[WEB31] loads at most 150 KB of JavaScript at first, and the markdown renderer not among it", () => {
    const first = [...html.matchAll(/(?:src|href)="\.\/([^"]+\.js)"/g)].map(
      (match) => match[1] ?? "",
    );
    const bytes = first.reduce(
      (sum, file) => sum + gzipSync(readFileSync(join(builtPage, file))).length,
      0,
    );
    expect(first.length).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(firstLoadBytesMax);
    expect(first.join()).not.toContain("markdown");
    expect(readdirSync(join(builtPage, "assets")).join()).toContain("markdown");
  });

  test("[WEB31] has no inline script, no inline style and no address of another server", () => {
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
    expect(html).not.toMatch(/<style|style="|\son\w+=/);
    expect(html).not.toMatch(/https?:\/\//);
  });

  test("[WEB31] names every asset by its content, so that caches may keep it for ever", () => {
    const names = readdirSync(join(builtPage, "assets"));
    expect(names.filter((name) => !/-[\w-]{8}\.\w+$/.test(name))).toEqual([]);
  });
});
