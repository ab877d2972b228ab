/** Serves the page with the API of a running `errand serve` beside it: `node examples/plain-page/serve.ts`. */
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { Server } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

const page = join(import.meta.dirname, "index.html");

/** Starts it on `port` of the loopback; everything under /api goes to Errand at `apiPort`, streams too. */
export function servePage(port: number, apiPort: number): Server {
  const server = createServer((incoming, answer) => {
    const { method, url: path = "/", headers } = incoming;
    if (!path.startsWith("/api/")) {
      answer.setHeader("Content-Type", "text/html; charset=utf-8").end(readFileSync(page));
      return;
    }
    const onward = request({ host: "127.0.0.1", port: apiPort, method, path, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers).flushHeaders();
      // Ends both when one of them breaks: a stream that stays half open would never be asked for again.
      pipeline(reply, answer).catch(() => answer.destroy());
    });
    onward.on("error", () => {
      if (answer.headersSent) answer.destroy();
      else answer.writeHead(502).end('{"title":"Errand does not answer"}');
    });
    incoming.pipe(onward);
  });
  return server.listen(port, "127.0.0.1");
}

if (import.meta.main) {
  servePage(8789, Number(process.env["PORT"] ?? "8787"));
  console.log("http://127.0.0.1:8789");
}
