import { DurableObject } from "cloudflare:workers";

import { ErrandError } from "../../core/errors.ts";
import { isRecord } from "../../core/json.ts";
import {
  createIdentifier,
  createServer,
  problemResponse,
  type ErrandServer,
  type Identity,
} from "../../server/index.ts";
import { answerKeys, remoteApiKeys } from "./api-keys.ts";
import { answerRead } from "./away-reader.ts";
import { answering, type HomeAnswer, type HomeCall, type HomeRpc } from "./home-call.ts";
import { HomeSockets, lostCode } from "./home-sockets.ts";
import { OpenedHome, type EdgeConfig } from "./opened-home.ts";
import type { EdgeEnv } from "./settings.ts";
import { toldFeed } from "./told-feed.ts";
import { asScope } from "./whereabouts.ts";
import { writerOutlet } from "./writer-outlet.ts";

/** Carries who asks from the Worker to the object; the Worker drops one that comes from outside. */
export const identityHeader = "x-errand-identity";

/** How long a change waits until the user's lists know of it: then whoever was answered finds the task. */
const listsWaitMs = 2_000;

/**
 * The Durable Object of one home: a session with its tasks, a user, or a queue, by the object's name. It holds what a
 * home is made of and starts nothing of itself: it opens when it is first called, recovers, and then answers.
 */
export class ErrandHome extends DurableObject<EdgeEnv> implements HomeRpc {
  /** What this deployment adds to the built-in tasks. */
  readonly config: EdgeConfig = {};
  #opened: OpenedHome | null = null;
  #doors: Doors | null = null;

  /** The home in this object, recovered, and with the sockets that the platform kept for it. */
  async home(): Promise<OpenedHome> {
    this.#opened ??= new OpenedHome(this.#name(), this.ctx, this.env, this.config);
    await this.#opened.ready;
    if (this.#doors === null && this.ctx.getWebSockets().length > 0) this.#open(this.#opened);
    return this.#opened;
  }

  /** The doors are built when something needs them: an object that is only sent messages has none. */
  #open(home: OpenedHome): Doors {
    this.#doors ??= doorsOf(home, this.ctx);
    return this.#doors;
  }

  #name(): ReturnType<typeof asScope> {
    const { name } = this.ctx.id;
    if (name !== undefined) return asScope(name);
    throw new ErrandError(
      "internal",
      "an object of Errand has no name: it is reached by getByName",
    );
  }

  /** A request that the Worker has sent to the home that answers it. */
  override async fetch(request: Request): Promise<Response> {
    try {
      return await this.#answer(await this.home(), request);
    } catch (error) {
      // The Worker would see the words of it only.
      if (!(error instanceof ErrandError)) throw error;
      return problemResponse(error, request.headers.get("x-request-id") ?? "");
    }
  }

  async #answer(home: OpenedHome, request: Request): Promise<Response> {
    const { server, sockets } = this.#open(home);
    const { pathname } = new URL(request.url);
    if (pathname === "/api/overview" || pathname === "/api/queue") await home.models.look();
    const upgrade = sockets.upgrade();
    const response = upgrade.answer(
      await server.fetch(request, { outlet: writerOutlet, socket: upgrade.open }),
    );
    const { listsAt, userId } = home.places;
    const follows = (pathname === "/api/events" && response.ok) || response.status === 101;
    if (follows && userId !== null) this.ctx.waitUntil(this.#askToTell(home, userId));
    if (request.method !== "GET" && request.method !== "HEAD" && listsAt !== null)
      await Promise.race([home.courier.settled(listsAt), scheduler.wait(listsWaitMs)]);
    return response;
  }

  async #askToTell(home: OpenedHome, userId: string): Promise<void> {
    try {
      await home.askToTell(userId);
    } catch (error) {
      home.log.error("a session could not be asked to tell what happens in it", error);
    }
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const home = await this.home();
    const { engine, places } = home;
    const userId = places.userId ?? "";
    const followed = engine.userFeeds.has(userId);
    this.#open(home).sockets.received(socket, message);
    // It may have begun to follow everything.
    if (!followed && engine.userFeeds.has(userId)) await this.#askToTell(home, userId);
  }

  override async webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    this.#open(await this.home()).sockets.closed(socket, code, reason);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#open(await this.home()).sockets.closed(socket, lostCode, "");
  }

  /** The one timer. */
  override async alarm(): Promise<void> {
    const home = await this.home();
    await home.ring();
  }

  /** What other objects and the Worker ask. */
  async call(call: HomeCall): Promise<HomeAnswer> {
    return await answering(async () => {
      const home = await this.home();
      if (call.is === "checkKeys") return await this.#doors?.sockets.checkKeys();
      return await answer(home, call);
    });
  }
}

interface Doors {
  readonly server: ErrandServer;
  readonly sockets: HomeSockets;
}

async function answer(
  home: OpenedHome,
  call: Exclude<HomeCall, { is: "checkKeys" }>,
): Promise<unknown> {
  const { engine, places } = home;
  switch (call.is) {
    case "deliver":
      return await home.receive(call.from, call.mail);
    case "command":
      return await engine.kernel.take(
        call.scope,
        call.command,
        isRecord(call.options) ? call.options : {},
      );
    case "read":
      return await answerRead(engine, call.name, call.args);
    case "follow":
      return toldFeed(engine, call.taskId, call.after, home.feedQuietMs);
    case "where":
      return places.whereIs(call.taskId);
    case "listen":
      return home.listen();
    case "hear": {
      const { userId } = places;
      if (userId === null || !engine.userFeeds.has(userId)) return false;
      engine.userFeeds.tell(userId, call.events);
      return true;
    }
    case "flow":
      return await home.flows.answer(call);
    case "keys":
      return await answerKeys(home, call.ask);
    default: {
      const never: never = call;
      return never;
    }
  }
}

function doorsOf(home: OpenedHome, state: DurableObjectState): Doors {
  const { engine, settings, env, models, log } = home;
  const keys = remoteApiKeys(env.HOMES);
  const clock = { nowMs: () => Date.now() };
  const auth = settings.adminKey === null ? null : { adminKey: settings.adminKey, keys };
  const known = createIdentifier(auth, clock);
  const isStillKnown = (who: Identity): Promise<boolean> => known.isStillKnown(who);
  const server = createServer(engine, {
    version: "0.1.0",
    auth,
    identifier: {
      identify: (headers) => Promise.resolve(identityOf(headers)),
      isStillKnown,
    },
    hosts: settings.adminKey === null ? [] : null,
    clock,
    log,
    model: () => models.status,
  });
  return { server, sockets: new HomeSockets(state, { server, isStillKnown, log }) };
}

/** Who asks, as the Worker found out. */
function identityOf(headers: Headers): Identity {
  const told: unknown = JSON.parse(headers.get(identityHeader) ?? "null");
  if (!isRecord(told) || typeof told["userId"] !== "string")
    throw new ErrandError("unauthenticated", "a request came to an object without the Worker");
  const { userId, isAdmin, keyHash } = told;
  return {
    userId,
    isAdmin: isAdmin === true,
    keyHash: typeof keyHash === "string" ? keyHash : null,
  };
}
