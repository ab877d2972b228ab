import { env } from "cloudflare:workers";
import { expect, test } from "vitest";

import { createSseParser } from "../../src/client/sse.ts";
import { EdgeClient, type ShownTask } from "./edge-client.ts";
import { openGate } from "../hosts/steered.ts";

const local = new EdgeClient();

async function eventsOf(response: Response): Promise<{ name: string; data: string }[]> {
  const items = createSseParser().push(await response.text());
  return items.flatMap((item) =>
    item.kind === "event" ? { name: item.name, data: item.data } : [],
  );
}

test("[HOME1] a chat lives in an object of its own, and its user's lists know of it at once", async () => {
  const ann = await local.userWithKey("ann");
  expect(await ann.say("main", "enqueue water the plants")).toContain("number 1 in line");
  expect(await ann.say("other", "list")).toContain("water the plants");
  expect(await ann.say("other", "work")).toContain("Working on");
  const { tasks } = await ann.json<{ tasks: ShownTask[] }>("/api/tasks?limit=10");
  expect(tasks.length).toBe(4);
  const { sessions } = await ann.json<{ sessions: { id: string }[] }>("/api/sessions");
  expect(sessions.map(({ id }) => id).toSorted()).toEqual(["main", "other"]);
  const { state } = await ann.json<{ state: { messages: unknown[] } }>("/api/sessions/main");
  expect(state.messages).toHaveLength(2);
});

test("[HOME1] a message without a session begins one, and the same key begins it once", async () => {
  const headers = { "idempotency-key": "once" };
  const ask = { message: "help" };
  const first = await local.json<{ sessionId: string; taskId: string }>("/api/chat", ask, {
    headers,
  });
  const again = await local.json<{ sessionId: string; taskId: string }>("/api/chat", ask, {
    headers,
  });
  expect(again).toMatchObject({ sessionId: first.sessionId, taskId: first.taskId });
});

test("[HOME2] a task is found wherever it lives, by whoever owns it and nobody else", async () => {
  const bob = await local.userWithKey("bob");
  const alone = await bob.submit("repeat", "alone");
  const inSession = await bob.submit("repeat", "inside", { sessionId: "s" });
  expect(await bob.ended(alone)).toMatchObject({ output: "alone" });
  expect(await bob.ended(inSession)).toMatchObject({ output: "inside" });
  const eve = await local.userWithKey("eve");
  for (const id of [alone, inSession])
    expect((await eve.fetch(`/api/tasks/${id}`)).status).toBe(404);
  const rerun = await bob.json<ShownTask>(`/api/tasks/${inSession}/rerun`, {});
  expect(await bob.ended(rerun.id)).toMatchObject({ output: "inside" });
});

test("[HOME2] children live with their parent, and their results come together", async () => {
  const id = await local.submit("parent", null, { sessionId: "family" });
  expect(await local.ended(id)).toMatchObject({ status: "completed", output: ["a", "b"] });
});

test("[HOME4] a turn of one session cancels a task of another home", async () => {
  const carl = await local.userWithKey("carl");
  const id = await carl.submit("gated", { name: "carl" }, { title: "Carl's" });
  await carl.until(id, ({ partial }) => partial === "before ");
  expect(await carl.say("main", `cancel ${id}`)).toMatch(/cancel/i);
  expect(await carl.ended(id)).toMatchObject({ status: "cancelled", partial: "before " });
  openGate("carl");
});

test("[HOME6] a feed comes through the Worker, and is resumed behind any of its events", async () => {
  const id = await local.submit("gated", { name: "feed" }, { sessionId: "feed" });
  await local.until(id, ({ partial }) => partial === "before ");
  openGate("feed");
  await local.ended(id);
  const whole = await eventsOf(await local.fetch(`/api/tasks/${id}/stream`));
  const text = (events: typeof whole): string =>
    events
      .filter(({ name }) => name === "token")
      .map(({ data }) => (JSON.parse(data) as { text: string }).text)
      .join("");
  expect(text(whole)).toBe("before after");
  expect(whole.at(-1)?.name).toBe("end");
  const feed = await (await local.fetch(`/api/tasks/${id}/stream`)).text();
  const cursors = [...feed.matchAll(/^id: (.+)$/gm)].map(([, cursor]) => cursor ?? "");
  for (const [index, cursor] of cursors.entries()) {
    const headers = { "last-event-id": cursor };
    // oxlint-disable-next-line no-await-in-loop -- One reader after the other.
    const rest = await local.fetch(`/api/tasks/${id}/stream`, undefined, { headers });
    // oxlint-disable-next-line no-await-in-loop
    const after = rest.status === 204 ? [] : await eventsOf(rest);
    const ids = after.filter(({ name }) => name !== "up-to-date");
    expect(ids).toHaveLength(cursors.length - index - 1);
  }
});

test("[HOME7] who follows everything hears of sessions in other objects", async () => {
  const dora = await local.userWithKey("dora");
  const feed = await dora.fetch("/api/events");
  const reader = feed.body?.pipeThrough(new TextDecoderStream()).getReader();
  const id = await dora.submit("gated", { name: "dora" }, { sessionId: "main" });
  let seen = "";
  const readTo = async (wanted: string): Promise<void> => {
    while (!seen.includes(wanted)) {
      // oxlint-disable-next-line no-await-in-loop -- Chunks come one after the other.
      const chunk = await reader?.read();
      if (chunk === undefined || chunk.done) throw new Error(`the feed ended: ${seen}`);
      seen += chunk.value;
    }
  };
  await readTo(`"text":"before "`);
  openGate("dora");
  await readTo("event: end");
  expect(seen).toContain(id);
  await reader?.cancel();
});

test("[HOME8] outside development and without keys every route but /healthz says how to set it up", async () => {
  const unset = { ENVIRONMENT: "production", ERRAND_ADMIN_KEY: "", ERRAND_KEY: "" };
  const nobody = new EdgeClient(null, unset);
  for (const method of ["GET", "HEAD"])
    // oxlint-disable-next-line no-await-in-loop -- Few.
    expect((await nobody.fetch("/healthz", undefined, { method })).status).toBe(200);
  for (const path of ["/", "/api/tasks", "/openapi.json", "/readyz", "/task_x"]) {
    // oxlint-disable-next-line no-await-in-loop -- Few.
    const refused = await nobody.fetch(path);
    expect(refused.status).toBe(503);
    // oxlint-disable-next-line no-await-in-loop
    expect(await refused.text()).toContain("wrangler secret put ERRAND_ADMIN_KEY");
  }
  const noKey = new EdgeClient(null);
  expect((await noKey.fetch("/api/tasks")).status).toBe(401);
  for (const path of ["/openapi.json", "/asyncapi.json", "/docs", "/readyz"])
    // oxlint-disable-next-line no-await-in-loop -- Few.
    expect([path, (await noKey.fetch(path)).status]).toEqual([path, 200]);
});

test("[HOME15] a refusal says the request's id as its header does, and no id that is none", async () => {
  const noKey = new EdgeClient(null);
  for (const [id, isKept] of [
    ["req-of-mine", true],
    ["<script>", false],
    ["a".repeat(200), false],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- Few.
    const refused = await noKey.fetch("/api/tasks", undefined, { headers: { "x-request-id": id } });
    // oxlint-disable-next-line no-await-in-loop
    const { requestid } = await refused.json<{ requestid: string }>();
    expect([refused.status, requestid]).toEqual([401, refused.headers.get("x-request-id")]);
    expect(requestid === id).toBe(isKept);
  }
});

test("[HOME8] nobody comes in by saying who they are", async () => {
  const headers = { "x-errand-identity": JSON.stringify({ userId: "local", isAdmin: true }) };
  const forged = await new EdgeClient(null).fetch("/api/tasks", undefined, { headers });
  expect(forged.status).toBe(401);
  const finn = await local.userWithKey("finn");
  const admin = await finn.fetch("/api/admin/keys", undefined, { headers });
  expect(admin.status).toBe(403);
  const direct = await env.HOMES.getByName("user/local").fetch("http://errand.test/api/tasks");
  expect(direct.status).toBe(401);
});
