import { Agent, request } from "node:http";

/*
 * Callers in a process of their own, each asking again as soon as it is answered: what a gateway can take at most.
 */

/** What a parent asks for. */
export interface Load {
  /** With /v1. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly callers: number;
  readonly ms: number;
}

/** What the callers got. */
export interface Taken {
  readonly perS: number;
  readonly failed: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const body = '{"model":"clock","messages":[{"role":"user","content":"go"}]}';

/** One request; true if it brought the answer. */
function call({ url, headers }: Load): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const sent = request(
    `${url}/chat/completions`,
    { method: "POST", agent, headers: { "content-type": "application/json", ...headers } },
    (response) => {
      let text = "";
      response.setEncoding("latin1");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => resolve(response.statusCode === 200 && text.includes("Hello")));
      response.on("error", () => resolve(false));
    },
  );
  sent.on("error", () => resolve(false));
  sent.end(body);
  return promise;
}

async function run(load: Load): Promise<Taken> {
  const startedMs = performance.now();
  let answered = 0;
  let failed = 0;
  await Promise.all(
    Array.from({ length: load.callers }, async () => {
      while (performance.now() - startedMs < load.ms) {
        // Each caller waits for its answer: that is the load.
        // oxlint-disable-next-line no-await-in-loop
        if (await call(load)) answered += 1;
        else failed += 1;
      }
    }),
  );
  return { perS: (answered / (performance.now() - startedMs)) * 1_000, failed };
}

process.on("message", (load: Load) => {
  void run(load).then((taken) => process.send?.(taken));
});
process.on("disconnect", () => process.exit());
if (import.meta.main) process.stdout.write("ready\n");
