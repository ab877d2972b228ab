/** A receiver of webhooks in this process. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import OpenAI from "openai";

/** Secret that receivers verify with. */
export const secret: string = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

/** What a receiver got. */
export interface Hook {
  readonly id: string;
  readonly type: string;
  readonly about: string;
  readonly message: string;
}

/** A running receiver. */
export interface Receiver {
  readonly url: string;
  readonly got: readonly Hook[];
  /** Waits until so many have come. */
  readonly count: (n: number) => Promise<void>;
  /** Waits until so many different ones have come, and answers each once: a crash may send one again. */
  readonly distinct: (n: number) => Promise<readonly Hook[]>;
  readonly close: () => void;
}

/** A receiver that verifies with OpenAI's client, answers what it is told to (else 204), and keeps what it got. */
export async function receiver(answers: number[] = []): Promise<Receiver> {
  const got: Hook[] = [];
  let look = (): void => {};
  const { webhooks } = new OpenAI({ apiKey: "any" });
  const server = createServer((incoming, outgoing) => {
    let body = "";
    incoming.on("data", (chunk) => (body += String(chunk)));
    incoming.on("end", () => {
      const headers = Object.entries(incoming.headers).map(([name, value]) => [
        name,
        String(value),
      ]);
      void webhooks
        .unwrap(body, Object.fromEntries(headers) as Record<string, string>, secret)
        .then(({ id, type, data }) => {
          outgoing.writeHead(answers.shift() ?? 204).end();
          const { id: about, message = "" } = data as { id: string; message?: string };
          got.push({ id, type, about, message });
          look();
        });
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    got,
    count: (n) =>
      new Promise((resolve) => {
        look = () => got.length >= n && resolve();
        look();
      }),
    distinct: (n) =>
      new Promise((resolve) => {
        look = () => {
          const each = [...new Map(got.map((hook) => [hook.id, hook])).values()];
          if (each.length >= n) resolve(each);
        };
        look();
      }),
    close: () => void server.close(),
  };
}
