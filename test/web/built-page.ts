import { readFileSync, statSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";

/** The folder that `vite build` writes. */
export const builtPage: string = join(import.meta.dirname, "..", "..", "dist", "web");

/** The policy under which the page must work: no inline script, no inline style, nobody else's server. */
export const contentSecurityPolicy: string =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
  "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** Answers with a file of the built page, under the strict policy. */
export function serveFile(path: string, response: ServerResponse): void {
  const file = join(builtPage, normalize(path === "/" ? "/index.html" : path));
  const isThere = file.startsWith(builtPage) && statSync(file, { throwIfNoEntry: false })?.isFile();
  if (isThere !== true) {
    response.writeHead(404, { "Content-Type": "application/problem+json" }).end("{}");
    return;
  }
  response.writeHead(200, {
    "Content-Type": types[extname(file)] ?? "application/octet-stream",
    "Content-Security-Policy": contentSecurityPolicy,
    "X-Content-Type-Options": "nosniff",
  });
  response.end(readFileSync(file));
}
