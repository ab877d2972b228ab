import type { ErrorData } from "../../core/errors.ts";
import { ErrandError } from "../../core/errors.ts";
import type { Scope } from "../../core/scope.ts";
import type { Cursor } from "../../core/stream/cursor.ts";
import type { UserFeedEvent } from "../../engine/index.ts";
import type { ApiKeyRow } from "../../ports/keys.ts";
import type { FlowCall } from "./workflow/flow-call.ts";

/** A message on its way between homes. `id` begins with the scope that sent it. */
export interface Mail {
  readonly id: string;
  readonly to: Scope;
  readonly body: unknown;
}

/** What one object may be asked by the Worker and by other objects: plain data, so that any two versions can speak. */
export type HomeCall =
  /** Messages of `from`'s outbox, in its order. Answers {@link Delivered} when all of them are committed. */
  | { readonly is: "deliver"; readonly from: Scope; readonly mail: readonly Mail[] }
  /** A command from outside a scope's home. Answers the kernel's outcome. */
  | {
      readonly is: "command";
      readonly scope: Scope;
      readonly command: unknown;
      readonly options: unknown;
    }
  /** A question to the reader of this home. */
  | { readonly is: "read"; readonly name: string; readonly args: readonly unknown[] }
  /** The feed of a task of this home behind a cursor. Answers a stream of {@link FeedLine}s. */
  | { readonly is: "follow"; readonly taskId: string; readonly after: Cursor }
  /** In which home does this task of the user live? Answers a scope, or null. Asked of a user's object. */
  | { readonly is: "where"; readonly taskId: string }
  /** Somebody follows everything of the user: tell the user's object what happens here. */
  | { readonly is: "listen" }
  /** What happened in a home of the user. Answers whether somebody still listens. */
  | { readonly is: "hear"; readonly events: readonly UserFeedEvent[] }
  | { readonly is: "keys"; readonly ask: KeysCall }
  /** A key of this user was taken back: what was opened with it is closed. */
  | { readonly is: "checkKeys" }
  /** A workflow does something for its task. */
  | FlowCall;

/** What is asked of the API keys. */
export type KeysCall =
  | { readonly is: "add"; readonly row: ApiKeyRow }
  | { readonly is: "find"; readonly hash: string }
  | { readonly is: "list" }
  | { readonly is: "remove"; readonly userId: string; readonly hash: string }
  | { readonly is: "removeUser"; readonly userId: string };

/** Answer to a delivery. */
export interface Delivered {
  /** Somebody follows everything of the user to whom this was delivered. */
  readonly listens: boolean;
}

/** Errors keep their code between objects this way: of a thrown one the platform carries only the words. */
export type HomeAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: ErrorData };

/** What an object offers others. */
export interface HomeRpc extends Rpc.DurableObjectBranded {
  call(call: HomeCall): Promise<HomeAnswer>;
}

/** Asks another home. Throws `unavailable` if its object cannot be reached, and else what it refused with. */
export async function askHome(
  homes: DurableObjectNamespace<HomeRpc>,
  home: Scope,
  call: HomeCall,
): Promise<unknown> {
  let answer: HomeAnswer;
  try {
    // A stub of a call that failed is broken for good: each call takes its own, and they are cheap.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The platform's types know no `unknown` in an answer.
    const stub = homes.getByName(home) as unknown as Pick<HomeRpc, "call">;
    answer = await stub.call(call);
  } catch (cause) {
    throw new ErrandError("unavailable", `${home} could not be reached`, {
      cause,
      retryAfterMs: 1_000,
    });
  }
  if (answer.ok) return answer.value;
  const { code, message, retryAfterMs, fields } = answer.error;
  throw new ErrandError(code, message, { retryAfterMs, fields });
}

/** An answer that carries a refusal with its code; what is no error of Errand's is a bug and is thrown on. */
export async function answering(work: () => Promise<unknown>): Promise<HomeAnswer> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (!(error instanceof ErrandError) || error.code === "internal") throw error;
    return { ok: false, error: error.toData() };
  }
}
