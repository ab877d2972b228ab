import type { z } from "@hono/zod-openapi";

import { ErrandError, type ErrorCode } from "../core/errors.ts";
import type { ServerContext } from "./context.ts";
import type { Identity } from "./guard/identify.ts";
import { readJsonBody } from "./input/body.ts";
import { parse, queryOf } from "./input/parse.ts";
import type { OpenSocket } from "./socket/port.ts";
import type { OpenOutlet } from "./stream/outlet.ts";

/** Who may use an operation: anybody, whoever has a key, or the admin. Without keys everybody is the admin `local`. */
export type Policy = "public" | "user" | "admin";

/** What a host knows of the connection that brought a request. */
export interface Connection {
  /**
   * Breaks it off at once, so that the client takes it for a lost network. A host that cannot do that leaves it out: then
   * the answer's body fails, which most hosts turn into the same.
   */
  readonly abort?: () => void;
  /**
   * Takes the bytes of an event stream without a web stream in between: the answer then has no body, and the host sends
   * its head before what the outlet is given.
   */
  readonly outlet?: OpenOutlet;
  /** Turns the request into a WebSocket. A host that has none leaves it out. */
  readonly socket?: OpenSocket;
}

/** A request on its way to its operation. */
export interface Arrival {
  readonly request: Request;
  readonly url: URL;
  readonly pathParams: Readonly<Record<string, string>>;
  readonly requestId: string;
  readonly who: Identity;
  readonly connection: Connection;
}

/** A parsed request. */
export interface Call<P, Q, B> {
  readonly request: Request;
  readonly url: URL;
  readonly requestId: string;
  readonly who: Identity;
  readonly connection: Connection;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

/** One answer as it is documented. `schema` absent: no body. */
export interface AnswerDoc {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Default `application/json`. */
  readonly mediaType?: string;
  /** The same answer in another media type, when the request asks for it. */
  readonly also?: { readonly mediaType: string; readonly schema: z.ZodType };
  readonly headers?: Readonly<Record<string, string>>;
}

/** A documented request header. */
export interface HeaderDoc {
  readonly name: string;
  readonly description: string;
}

interface OperationDoc {
  readonly method: "get" | "post" | "delete";
  /** OpenAPI form: `/api/tasks/{taskId}`. */
  readonly path: string;
  /** The router's own form, where it is narrower than the path's. */
  readonly route?: string;
  readonly policy: Policy;
  /** Unique name, also the operation's name in metrics. */
  readonly id: string;
  readonly tag:
    | "tasks"
    | "chat"
    | "sessions"
    | "todos"
    | "queues"
    | "schedules"
    | "orchestrator"
    | "openai"
    | "operations"
    | "admin";
  readonly summary: string;
  readonly description?: string;
  readonly headers?: readonly HeaderDoc[];
  readonly answers: Readonly<Record<number, AnswerDoc>>;
  /** Codes of problems of its own, besides those every operation has. */
  readonly errors?: readonly ErrorCode[];
  /** It makes tasks: the user's submit rate counts it. */
  readonly submits?: boolean;
}

/** A JSON body. `shown` is documented where the schema is only the first step of reading it. */
export interface BodySpec<B> {
  readonly schema: z.ZodType<B>;
  readonly required: boolean;
  readonly shown?: z.ZodType;
}

/** An operation of a door, with the types of what it takes. */
export interface OperationSpec<P, Q, B> extends OperationDoc {
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: BodySpec<B>;
  readonly handle: (call: Call<P, Q, B>, server: ServerContext) => Promise<Response> | Response;
}

/** An operation ready to be mounted: `run` parses what arrived and answers, or throws an `ErrandError`. */
export interface Operation extends OperationDoc {
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: BodySpec<unknown>;
  run(arrival: Arrival, server: ServerContext): Promise<Response>;
}

/**
 * Makes an operation. Everything that arrives is parsed before `handle` sees it: an unknown query parameter or field is
 * `invalid_request` and named, a path parameter of another form is `not_found`, because no such thing can exist.
 */
export function operation<P = undefined, Q = undefined, B = undefined>(
  spec: OperationSpec<P, Q, B>,
): Operation {
  const { handle, ...doc } = spec;
  return {
    ...doc,
    async run({ pathParams, ...arrival }, server) {
      const parsed = {
        params: parseParams(spec.params, pathParams),
        query: parseQuery(spec.query, arrival.url),
        body: await parseBody(spec.body, arrival.request),
      };
      // What is absent is undefined, and so is its type, by the default of P, Q and B.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return await handle({ ...arrival, ...parsed } as Call<P, Q, B>, server);
    },
  };
}

function parseParams<P>(
  schema: z.ZodType<P> | undefined,
  given: Arrival["pathParams"],
): P | undefined {
  const result = schema?.safeParse(given);
  if (result === undefined || result.success) return result?.data;
  const [name = "thing", value = ""] = Object.entries(given)[0] ?? [];
  throw new ErrandError(
    "not_found",
    `there is no ${name.replace(/Id$/, "")} "${value.slice(0, 140)}"`,
  );
}

/** Operations without a query ignore one: files and health checks are called with all sorts. */
function parseQuery<Q>(schema: z.ZodType<Q> | undefined, url: URL): Q | undefined {
  return schema === undefined ? undefined : parse(schema, queryOf(url), "the query");
}

async function parseBody<B>(
  body: BodySpec<B> | undefined,
  request: Request,
): Promise<B | undefined> {
  if (body === undefined) return undefined;
  const value = await readJsonBody(request);
  if (value === undefined && body.required)
    throw new ErrandError("invalid_request", "the request needs a JSON body");
  return parse(body.schema, value === undefined ? {} : value, "the body");
}
