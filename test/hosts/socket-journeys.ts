import type { Frame } from "./frames.ts";
import type { Journey, JourneySocket, Traveller } from "./journey.ts";
import { openGate } from "./steered.ts";

const isUpToDate = ({ event }: Frame): boolean => event?.type === "up-to-date";
const isEndOf =
  (channel: string) =>
  (frame: Frame): boolean =>
    frame.t === "end" && frame.channel === channel;

interface ToldTask {
  readonly id: string;
  readonly type: string;
  readonly status: string;
}

function taskOf({ event }: Frame): ToldTask | undefined {
  return event.data["task"] as ToldTask | undefined;
}

/** What an `ev` frame says, without what is a matter of time. */
function told(frame: Frame): unknown {
  const { t, channel, event } = frame;
  const { type, status } = taskOf(frame) ?? {};
  return [t, channel, event.type, type, status];
}

/** The text of a channel: tokens that come together may share a frame. */
function textOf(frames: readonly Frame[]): string {
  return frames
    .flatMap(({ event }) => (event?.type === "token" ? [String(event.data["text"])] : []))
    .join("");
}

async function follow(user: Traveller, id: string, after?: string): Promise<JourneySocket> {
  return await user.socket(`/ws/tasks?taskId=${id}${after === undefined ? "" : `&after=${after}`}`);
}

async function waiting(user: Traveller, more: object = {}): Promise<string> {
  const id = await user.submit("waiting", null, more);
  await user.until(id, ({ status }) => status === "waiting");
  return id;
}

/** Says everything of a user, from what is open to what ends. */
const everything: Journey = async (user) => {
  const ids = [await waiting(user), await waiting(user, { sessionId: "main" })];
  const socket = await user.socket("/ws/tasks");
  user.note(socket.protocol);
  const begin = await socket.until(isUpToDate);
  user.note(begin.map(told).map(String).toSorted());
  for (const id of ids) {
    const over = socket.until((frame) => frame.event?.type === "end" && taskOf(frame)?.id === id);
    // oxlint-disable-next-line no-await-in-loop -- One after the other.
    await user.ask("POST", `/api/tasks/${id}/event`, { name: "go", payload: 1 });
    // oxlint-disable-next-line no-await-in-loop
    for (const frame of (await over).slice(-1)) user.note([told(frame), frame.seq]);
  }
  socket.close(1000, "enough");
  user.note(await socket.closed);
};

function resumed(more: object): Journey {
  return async (user) => {
    const id = await user.submit("calling", null, more);
    await user.ended(id);
    const channel = `task/${id}`;
    const first = await follow(user, id);
    const frames = await first.until(isEndOf(channel));
    user.note(textOf(frames));
    const whole = frames.flatMap(({ t, seq }) => (t === "ev" && seq !== null ? [seq] : []));
    const many = await user.socket("/ws/tasks");
    await many.until(isUpToDate);
    const missing: unknown[] = [];
    for (const [index, after] of whole.entries()) {
      // oxlint-disable-next-line no-await-in-loop -- One reader after the other.
      const one = await follow(user, id, after);
      many.send({ t: "sub", channel, after });
      for (const socket of [one, many]) {
        // oxlint-disable-next-line no-await-in-loop
        const rest = await socket.until(isEndOf(channel));
        const seqs = rest.flatMap(({ t, seq }) => (t === "ev" && seq !== null ? [seq] : []));
        if (seqs.join(" ") !== whole.slice(index + 1).join(" ")) missing.push([after, seqs]);
      }
      one.close(1000, "");
    }
    user.note(missing);
  };
}

function dropped(name: string, more: object): Journey {
  return async (user) => {
    const id = await user.submit("gated", { name }, more);
    const channel = `task/${id}`;
    const first = await follow(user, id);
    const seen = await first.until(({ event }) => event?.type === "token");
    first.close(1000, "");
    user.note(textOf(seen));
    await first.closed;
    openGate(name);
    const second = await follow(user, id, seen.at(-1)?.seq ?? "");
    const rest = await second.until(isEndOf(channel));
    user.note(textOf(rest));
    await user.ended(id);
  };
}

/** What a socket refuses, and that it goes on after it. */
const refused: Journey = async (user) => {
  const id = await waiting(user, { sessionId: "main" });
  user.note(await user.otherSocket(`/ws/tasks?taskId=${id}`));
  user.note(await user.otherSocket("/ws/tasks?after=1.0.0"));
  const socket = await user.socket("/ws/tasks");
  await socket.until(isUpToDate);
  for (const message of [
    { t: "sub", channel: "task/task_00000000000000000000000000" },
    { t: "sub", channel: "nonsense" },
    { t: "sub", channel: `task/${id}`, after: "nonsense" },
    { t: "nonsense" },
    "no JSON",
  ]) {
    const answer = socket.until(({ t }) => t === "err");
    socket.send(message);
    // oxlint-disable-next-line no-await-in-loop -- One message after the other.
    const last = (await answer).at(-1);
    user.note([last?.channel, last?.code, last?.message]);
  }
  socket.send({ t: "ping" });
  await socket.until(({ t }) => t === "pong");
  await user.ask("POST", `/api/tasks/${id}/cancel`, {});
  await user.ended(id);
};

/** Journeys of users who follow what happens over WebSockets. */
export const socketJourneys: readonly (readonly [string, Journey])[] = [
  ["a socket says what is open at once, and what ends, and its close is answered", everything],
  ["a socket is resumed behind each of its events", resumed({})],
  ["a socket is resumed behind each event of a session's task", resumed({ sessionId: "main" })],
  ["a socket that drops in mid-stream comes back without gap or repeat", dropped("drops", {})],
  [
    "a socket that drops in mid-stream of a session's task comes back",
    dropped("drops in a session", { sessionId: "main" }),
  ],
  ["a socket refuses by name, and goes on", refused],
];
