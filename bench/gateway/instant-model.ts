import { createServer } from "node:http";
import { once } from "node:events";

/*
 * An OpenAI-compatible model that takes no time: one short answer, streamed or whole as it was asked for.
 *
 *     node instant-model.ts
 */
const identity = '"id":"c","created":1790000000,"model":"clock"';
const whole = `{${identity},"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`;
const chunk = (delta: string, finish: string): string =>
  `data: {${identity},"object":"chat.completion.chunk","choices":[{"index":0,"delta":${delta},"finish_reason":${finish}}]}\n\n`;
const streamed = `${chunk('{"content":"Hello"}', "null")}${chunk("{}", '"stop"')}data: [DONE]\n\n`;

const server = createServer((request, response) => {
  if (request.url === "/v1/models") {
    response.setHeader("content-type", "application/json");
    response.end('{"object":"list","data":[{"id":"clock","object":"model"}]}');
    return;
  }
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (part: string) => (body += part));
  request.on("end", () => {
    const streams = /"stream":\s*true/.test(body);
    response.setHeader("content-type", streams ? "text/event-stream" : "application/json");
    response.end(streams ? streamed : whole);
  });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
if (typeof address === "object" && address !== null)
  process.stdout.write(`listening http://127.0.0.1:${address.port}/v1\n`);
process.on("disconnect", () => process.exit());
