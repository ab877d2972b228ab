import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";

/*
 * The raw limit of a fan-out: everybody who is connected is written each message, byte for byte what Errand writes,
 * one message a turn, when somebody posts to /go. No store, no folding, no limits.
 */
const messages = Number(process.env["BENCH_MESSAGES"]);
const followers = new Set<ServerResponse>();

function message(number: number): Buffer {
  const text = `message ${String(number).padStart(6, "0")} `;
  const offset = number * text.length;
  return Buffer.from(
    `id: 4.1.${number}\nevent: token\ndata: {"type":"llm.token","operation_id":"task_01kbench0000000000000000000","text":"${text}","offset":${offset}}\n\n`,
  );
}

function say(number: number): void {
  const bytes = message(number);
  for (const follower of followers) follower.write(bytes);
  if (number + 1 < messages) setImmediate(say, number + 1);
}

const server = createServer((request, response) => {
  if (request.method === "POST") {
    response.end();
    say(0);
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("retry: 2000\n\nevent: up-to-date\ndata: {}\n\n");
  followers.add(response);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
if (typeof address === "object" && address !== null)
  process.stdout.write(`listening http://127.0.0.1:${address.port}\n`);
process.on("disconnect", () => process.exit());
