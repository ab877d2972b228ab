import { readFile } from "node:fs/promises";
import { extname, join, normalize, sep } from "node:path";

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".ico": "image/x-icon",
};

/** Serves the built page from a folder. Hashed assets may be cached for ever, the page itself never. */
export function pageFrom(folder: string): (path: string) => Promise<Response | null> {
  return async (path) => {
    const relative = normalize(path === "/" ? "index.html" : path.slice(1));
    // A normalised path that still leads out starts with "..": it is not ours to read.
    if (relative.startsWith("..") || relative.includes(`${sep}..`) || relative.includes("\0"))
      return null;
    const type = contentTypes[extname(relative)];
    if (type === undefined) return null;
    try {
      const body = await readFile(join(folder, relative));
      const cacheControl = relative.startsWith(`assets${sep}`)
        ? "public, max-age=31536000, immutable"
        : "no-cache";
      return new Response(body, {
        headers: { "content-type": type, "cache-control": cacheControl },
      });
    } catch {
      // Not built, or no such file: the server answers 404.
      return null;
    }
  };
}
