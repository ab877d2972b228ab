import { ErrandError } from "../../core/errors.ts";
import { cursorStart, formatCursor, parseCursor, type Cursor } from "../../core/stream/cursor.ts";
import { isEnd } from "../../core/task/status.ts";
import type { ServerContext } from "../context.ts";
import type { Identity } from "../guard/identify.ts";
import { followTask } from "../stream/task-stream.ts";
import { followUser } from "../stream/user-stream.ts";
import { Channel } from "./channel.ts";
import {
  errorFrame,
  gapFrame,
  pongFrame,
  readFrame,
  taskOf,
  userChannel,
  type ClientFrame,
} from "./frames.ts";
import { closeCodes, type SocketEvents, type SocketPort, type SocketState } from "./port.ts";
import { SocketLine } from "./socket-line.ts";

/** Channels of one socket. */
const channelsMax = 50;
/** Ticks of a second within which a socket without a key in its request must show one. */
const authTicksMax = 10;

/** A channel to begin with, and behind which cursor. */
export interface Wish {
  readonly channel: string;
  readonly after: Cursor | null;
}

/**
 * One client's WebSocket: `sub`, `unsub`, `auth` and `ping` come in, `ev`, `gap`, `end`, `err` and `pong` go out. Behind a
 * cursor a task's channel is sent exactly the rest (SPEC WS2). No message, however bad, does more than be answered with
 * `err` or close the socket; and no socket ever touches a task.
 */
export class TaskSocket implements SocketEvents {
  readonly #server: ServerContext;
  readonly #line: SocketLine;
  readonly #channels = new Map<string, Channel>();
  #leave: (() => void) | null;
  #who: Identity | null;
  /** What to begin with once the client has shown its key. */
  readonly #wish: Wish;
  #isAsking = false;
  #authTicks = 0;

  /** Opens it and follows `wish`, at once if it is known who asks. Throws `rate_limited` if too many are open. */
  constructor(
    server: ServerContext,
    port: SocketPort,
    who: Identity | null,
    wish: Wish | SocketState,
  ) {
    this.#server = server;
    this.#who = who;
    const { streamQueueBytes, streamStallMs } = server.limits;
    const limits = {
      queueBytes: streamQueueBytes,
      stallTicksMax: Math.ceil(streamStallMs / 1_000),
    };
    this.#leave = server.sockets.enter(this, who?.userId ?? "");
    this.#line = new SocketLine(port, limits, () => this.#over());
    if ("channels" in wish) {
      this.#wish = { channel: userChannel, after: null };
      for (const { name, after } of wish.channels)
        this.#subscribe(name, (after === null ? null : parseCursor(after)) ?? null, true);
    } else {
      this.#wish = wish;
      if (who !== null) this.#subscribe(wish.channel, wish.after);
    }
  }

  /** Who it is; null before a key was shown. */
  get who(): Identity | null {
    return this.#who;
  }

  /** True if it needs ticks. */
  get isTicked(): boolean {
    return this.#line.isTicked;
  }

  /** What is needed to go on with this socket after its host has forgotten all else; null before a key was shown. */
  get state(): SocketState | null {
    if (this.#who === null) return null;
    const channels = Array.from(this.#channels.values(), ({ name, cursor }) => ({
      name,
      after: cursor === null ? null : formatCursor(cursor),
    }));
    return { who: this.#who, channels };
  }

  received(text: string | null): void {
    if (!this.#line.isOpen) return;
    if (text === null)
      return this.close(closeCodes.unsupported, "messages are JSON in text, not binary");
    if (text.length > this.#server.limits.socketMessageBytes)
      return this.close(closeCodes.tooBig, "the message is too big");
    if (this.#who === null) return void this.#authenticate(text);
    if (!this.#server.sockets.mayAsk(this.#who.userId))
      return this.close(closeCodes.policy, "too many messages: wait a second and come back");
    try {
      this.#obey(readFrame(text));
    } catch (error) {
      this.#refuse(null, error);
    }
  }

  room(): void {
    this.#line.room();
  }

  pong(): void {
    this.#line.pong();
  }

  closed(): void {
    this.#line.closed();
  }

  /** Closes the socket from this side. */
  close(code: number, reason: string): void {
    this.#line.close(code, reason);
  }

  /** Called once a second. */
  tick(): void {
    this.#authTicks += 1;
    if (this.#who === null && this.#authTicks > authTicksMax)
      return this.close(closeCodes.unauthenticated, "no key came: the first message must be auth");
    this.#line.tick();
  }

  #obey(frame: ClientFrame): void {
    switch (frame.t) {
      case "ping":
        return this.#line.live([pongFrame]);
      case "unsub":
        this.#channels.get(frame.channel)?.stop();
        this.#channels.delete(frame.channel);
        return;
      case "sub":
        return this.#subscribe(frame.channel, frame.after ?? null);
      default:
        throw new ErrandError("conflict", "it is known who you are: auth comes once, and first");
    }
  }

  /** The first message of a socket whose request had no key. Anything but a good key closes it. */
  async #authenticate(text: string): Promise<void> {
    if (this.#isAsking) return this.close(closeCodes.policy, "wait until the key was looked at");
    this.#isAsking = true;
    try {
      const frame = readFrame(text);
      if (frame.t !== "auth")
        throw new ErrandError(
          "unauthenticated",
          'the first message must be {"t":"auth","key":KEY}',
        );
      const headers = new Headers({ "x-api-key": frame.key });
      const who = await this.#server.sockets.identify(headers);
      if (!this.#line.isOpen) return;
      this.#leave?.();
      this.#leave = this.#server.sockets.enter(this, who.userId);
      this.#who = who;
      this.#subscribe(this.#wish.channel, this.#wish.after);
    } catch (error) {
      this.#refuse(null, error);
      const isHis =
        error instanceof ErrandError &&
        (error.code === "unauthenticated" || error.code === "invalid_request");
      if (isHis) this.close(closeCodes.unauthenticated, "no good key was shown");
      else this.close(closeCodes.later, "come back later");
    }
  }

  #subscribe(name: string, after: Cursor | null, isRestored = false): void {
    this.#channels.get(name)?.stop();
    this.#channels.delete(name);
    if (this.#channels.size >= channelsMax) {
      const message = `a socket has at most ${channelsMax} channels: unsub one first`;
      return this.#refuse(name, new ErrandError("rate_limited", message));
    }
    const { sockets } = this.#server;
    const channel = new Channel(name, after, { line: this.#line, encoder: sockets.encoder }, () =>
      this.#forget(channel),
    );
    this.#channels.set(name, channel);
    const taskId = taskOf(name);
    if (taskId === null) return this.#followUser(channel, after, isRestored);
    this.#followTask(channel, taskId, after ?? cursorStart).catch((error: unknown) => {
      channel.stop();
      this.#forget(channel);
      this.#refuse(name, error);
    });
  }

  #followUser(channel: Channel, after: Cursor | null, isRestored: boolean): void {
    const { userId = "" } = this.#who ?? {};
    if (after !== null)
      this.#line.live([
        gapFrame(channel.name, "this channel has no history: it begins with states"),
      ]);
    channel.cursor = null;
    channel.follows(followUser(this.#server, userId, channel, isRestored));
  }

  async #followTask(channel: Channel, taskId: string, after: Cursor): Promise<void> {
    const { reader } = this.#server.engine;
    const owner = this.#who?.isAdmin === true ? null : (this.#who?.userId ?? "");
    const view = await reader.view(taskId, owner);
    if (isEnd(view.status) && after.seq > 0) {
      const { cursor } = await reader.task(taskId, owner);
      if (after.seq >= cursor.seq) return channel.end();
    }
    if (channel.isOpen) channel.follows(followTask(this.#server, taskId, after, channel));
  }

  #forget(channel: Channel): void {
    if (this.#channels.get(channel.name) === channel) this.#channels.delete(channel.name);
  }

  #refuse(channel: string | null, error: unknown): void {
    const known =
      error instanceof ErrandError
        ? error
        : new ErrandError("internal", "Errand has a bug here", { cause: error });
    if (known.code === "internal") this.#server.log.error("a socket's message failed", error);
    this.#line.live([errorFrame(channel, known.toData())]);
  }

  #over(): void {
    for (const channel of this.#channels.values()) channel.stop();
    this.#channels.clear();
    this.#leave?.();
    this.#leave = null;
  }
}
