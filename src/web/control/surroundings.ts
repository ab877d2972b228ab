import type { ErrandClient } from "../../client/index.ts";
import { failureCode, failureOf } from "../../client/index.ts";
import type { Failure } from "../../client/index.ts";
import type { PageAction } from "../state/page-action.ts";
import type { PageState } from "../state/page-state.ts";
import type { Route } from "../state/route.ts";
import type { Store } from "../state/store.ts";
import type { Settings } from "./settings.ts";

/** Everything the controls touch, so that they run without a browser in tests. */
export interface Surroundings {
  readonly client: ErrandClient;
  readonly store: Store<PageState, PageAction>;
  readonly settings: Settings;
  readonly nowMs: () => number;
  /** Calls back once after `delayMs`; the answer cancels it. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
  /** Tells when the page is looked at (true) or no longer (false). */
  readonly onVisible: (callback: (visible: boolean) => void) => () => void;
  /** Writes the address; `replace` leaves no entry in the history. */
  readonly writeRoute: (route: Route, replace: boolean) => void;
}

/** Tells whether the page still has the key that it has now: what another key was told is not for this one to see. */
export function keyWatch({ settings }: Surroundings): () => boolean {
  const key = settings.key();
  return () => settings.key() === key;
}

/**
 * Runs one call and hands its failure to `onFailure`. A missing or wrong API key is handled here for all: the page
 * asks for it. What a call comes to after its key was changed is nobody's. Never rejects.
 */
export async function guarded<T>(
  surroundings: Surroundings,
  call: () => Promise<T>,
  onFailure: (failure: Failure) => void,
): Promise<T | undefined> {
  const isSameKey = keyWatch(surroundings);
  try {
    const answer = await call();
    return isSameKey() ? answer : undefined;
  } catch (thrown) {
    if (!isSameKey()) return undefined;
    const failure = failureOf(thrown);
    if (failureCode(failure) === "unauthenticated") askForKey(surroundings);
    onFailure(failure);
    return undefined;
  }
}

/** Shows the key form; it says so if there was a key and the server refused it. */
export function askForKey({ store, settings }: Surroundings): void {
  if (store.get().access !== "open") return;
  const access = settings.key() === null ? "keyNeeded" : "keyRefused";
  store.dispatch({ about: "shell", action: { type: "accessChanged", access } });
}
