import { createContext, useContext, useSyncExternalStore } from "react";
import type { Context } from "react";
import type { PageControl } from "../control/page-control.ts";
import type { PageAction } from "../state/page-action.ts";
import type { PageState } from "../state/page-state.ts";
import type { Store } from "../state/store.ts";

/** What every view may use: the state to read, the controls to act. */
export interface Page {
  readonly store: Store<PageState, PageAction>;
  readonly control: PageControl;
}

/** Holds the page for the views below. */
export const PageContext: Context<Page | null> = createContext<Page | null>(null);

/**
 * Reads a part of the state; the view renders again when that part is another value. The part must be found in the
 * state, not built: a new object each time would render for ever.
 */
export function usePage<T>(select: (state: PageState) => T): T {
  const { store } = usePageContext();
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}

/** The controls. */
export function useControl(): PageControl {
  return usePageContext().control;
}

/** The page itself, for handlers that read the state at the moment they run. */
export function usePageContext(): Page {
  const page = useContext(PageContext);
  if (page === null) throw new Error("a view is outside of the page");
  return page;
}
