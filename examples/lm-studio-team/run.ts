/**
 * Errand in front of one LM Studio, with the two paths that the team's programs know: `POST /train` and `GET /queue`.
 *
 *     node examples/lm-studio-team/run.ts
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";

import { createClient, RequestFailed, type ErrandClient } from "../../src/client/index.ts";
import { readSettings } from "../../src/hosts/embedded/config.ts";
import { serveEmbedded } from "../../src/hosts/embedded/serve.ts";

const config = fileURLToPath(new URL("errand.config.ts", import.meta.url));
const settings = await readSettings({ ...process.env, ERRAND_CONFIG: config }, process.cwd());
const served = await serveEmbedded(settings);
const client = createClient({ baseUrl: served.url, apiKey: settings.adminKey });
await client.schedules.set({ name: "norms", cron: "0 3 * * *", type: "norms_update", input: null });

const bodyBytesMax = 100_000;

async function bodyOf(incoming: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of incoming.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > bodyBytesMax) throw new SyntaxError("the body is too large");
  }
  return text === "" ? {} : JSON.parse(text);
}

/** The two paths; everything else is Errand's own, at its own address. */
async function answer(errand: ErrandClient, incoming: IncomingMessage): Promise<[number, unknown]> {
  const path = `${incoming.method} ${incoming.url}`;
  if (path === "GET /queue") {
    const { tasks } = await errand.tasks.list({ status: "active" });
    return [200, { ...(await errand.overview()), tasks, errand: served.url }];
  }
  if (path !== "POST /train") return [404, { error: "there are POST /train and GET /queue" }];
  const { task } = await errand.tasks.submit({ type: "train", input: await bodyOf(incoming) });
  return [202, { task_id: task.id, status: task.status, errand: served.url }];
}

function send(outgoing: ServerResponse, status: number, body: unknown): void {
  outgoing.writeHead(status, { "content-type": "application/json" });
  outgoing.end(`${JSON.stringify(body)}\n`);
}

const team = createServer((incoming, outgoing) => {
  answer(client, incoming).then(
    ([status, body]) => send(outgoing, status, body),
    (error: unknown) => {
      const status =
        error instanceof RequestFailed && error.failure.kind === "refused"
          ? error.failure.status
          : error instanceof SyntaxError
            ? 400
            : 502;
      send(outgoing, status, { error: error instanceof Error ? error.message : String(error) });
    },
  );
});
team.listen(Number(process.env["TEAM_PORT"] ?? 8_000), "127.0.0.1", () => {
  const address = team.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  process.stdout.write(`team ready at http://127.0.0.1:${port}, errand at ${served.url}\n`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    team.close();
    void served.stop().then(() => process.exit(0));
  });
