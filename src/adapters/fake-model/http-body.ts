import type { IncomingMessage, ServerResponse } from "node:http";

import type { Refusal } from "./faults.ts";

/** Largest request body. */
export const bodyBytesMax = 16_777_216;

/** Reads a JSON body; answers undefined if it is none or too large. */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request) {
      if (!Buffer.isBuffer(chunk)) continue;
      bytes += chunk.length;
      if (bytes > bodyBytesMax) return undefined;
      chunks.push(chunk);
    }
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return body;
  } catch {
    return undefined;
  }
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(JSON.stringify(body));
}

/** Answers with an error in OpenAI's shape. */
export function sendRefusal(response: ServerResponse, refused: Refusal): void {
  sendJson(response, refused.status, refused.body, refused.headers);
}
