import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";

import { clockUs } from "./clock.ts";

/*
 * An OpenAI-compatible model whose every token is the time it was written, so that a reader behind any number of hops
 * knows its age. Streams are paced by one timer; a token is written on its own, as a model server does.
 *
 *     node clock-model.ts TOKENS TOKENS_PER_SECOND
 */
const tokens = Number(process.argv[2]);
const periodUs = 1e6 / Number(process.argv[3]);
const everyMs = 2;

interface Answer {
  readonly response: ServerResponse;
  readonly startedUs: number;
  sent: number;
}

const answers = new Set<Answer>();

function chunk(delta: string, finish: string): string {
  return `data: {"id":"c","object":"chat.completion.chunk","created":1790000000,"model":"clock","choices":[{"index":0,"delta":${delta},"finish_reason":${finish}}]}\n\n`;
}

function advance(answer: Answer): void {
  const { response, startedUs } = answer;
  const due = Math.min(tokens, 1 + Math.floor((clockUs() - startedUs) / periodUs));
  for (; answer.sent < due; answer.sent += 1)
    response.write(chunk(`{"content":"@${String(clockUs()).padStart(16, "0")} "}`, "null"));
  if (answer.sent < tokens) return;
  response.end(`${chunk("{}", '"stop"')}data: [DONE]\n\n`);
  answers.delete(answer);
}

setInterval(() => {
  for (const answer of answers) advance(answer);
}, everyMs);

const server = createServer((request, response) => {
  if (request.url === "/v1/models") {
    response.setHeader("content-type", "application/json");
    response.end('{"object":"list","data":[{"id":"clock","object":"model"}]}');
    return;
  }
  request.resume();
  request.on("end", () => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const answer = { response, startedUs: clockUs(), sent: 0 };
    answers.add(answer);
    response.on("close", () => answers.delete(answer));
    // The first token is not made to wait for the timer.
    advance(answer);
  });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
if (typeof address === "object" && address !== null)
  process.stdout.write(`listening http://127.0.0.1:${address.port}/v1\n`);
process.on("disconnect", () => process.exit());
