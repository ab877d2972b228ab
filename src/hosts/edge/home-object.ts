import { DurableObject } from "cloudflare:workers";

import { ErrandError } from "../../core/errors.ts";
import { isRecord } from "../../core/json.ts";
import {
  createServer,
  problemResponse,
  type ErrandServer,
  type Identity,
} from "../../server/index.ts";
import { answerKeys, remoteApiKeys } from "./api-keys.ts";
import { answerRead } from "./away-reader.ts";
import { answering, type HomeAnswer, type HomeCall, type HomeRpc } from "./home-call.ts";
import { OpenedHome, type EdgeConfig } from "./opened-home.ts";
import type { EdgeEnv } from "./settings.ts";
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
  #server: ErrandServer | null = null;

  /** The home in this object, recovered. */
  async home(): Promise<OpenedHome> {
    this.#opened ??= new OpenedHome(this.#name(), this.ctx, this.env, this.config);
    await this.#opened.ready;
    return this.#opened;
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
    const server = (this.#server ??= serverOf(home));
    const { pathname } = new URL(request.url);
    if (pathname === "/api/overview" || pathname === "/api/queue") await home.models.look();
    const response = await server.fetch(request, { outlet: writerOutlet });
    const { listsAt, userId } = home.places;
    if (pathname === "/api/events" && response.ok && userId !== null)
      this.ctx.waitUntil(this.#askToTell(home, userId));
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

  /** The one timer. */
  override async alarm(): Promise<void> {
    const home = await this.home();
    await home.ring();
  }

  /** What other objects and the Worker ask. */
  async call(call: HomeCall): Promise<HomeAnswer> {
    return await answering(async () => await answer(await this.home(), call));
  }
}

async function answer(home: OpenedHome, call: HomeCall): Promise<unknown> {
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
      return answerKeys(home.driver, call.ask);
    default: {
      const never: never = call;
      return never;
    }
  }
}

function serverOf({ engine, settings, env, models, log }: OpenedHome): ErrandServer {
  const keys = remoteApiKeys(env.HOMES);
  return createServer(engine, {
    version: "0.1.0",
    auth: settings.adminKey === null ? null : { adminKey: settings.adminKey, keys },
    identifier: {
      identify: (headers) => Promise.resolve(identityOf(headers)),
      isStillKnown: async ({ keyHash }) => keyHash === null || (await keys.find(keyHash)) !== null,
    },
    hosts: settings.adminKey === null ? [] : null,
    clock: { nowMs: () => Date.now() },
    log,
    model: () => models.status,
  });
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
