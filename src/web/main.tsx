import "./style/index.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "../client/index.ts";
import { createPageControl } from "./control/page-control.ts";
import { openSettings } from "./control/settings.ts";
import { initialState } from "./state/page-state.ts";
import type { ShellState } from "./state/page-state.ts";
import { reducePage } from "./state/reduce.ts";
import { formatRoute, parseRoute } from "./state/route.ts";
import { createStore } from "./state/store.ts";
import { App } from "./view/app.tsx";
import { Broken, ErrorFence } from "./view/error-fence.tsx";
import { PageContext } from "./view/page-context.ts";

/** Narrower than this, a side of the frame becomes a drawer. */
const sidebarNarrow = window.matchMedia("(width < 52rem)");
const panelNarrow = window.matchMedia("(width < 74rem)");

const settings = openSettings(() => window.localStorage);
const client = createClient({
  // The page may be served under a path; its API is beside it.
  baseUrl: new URL(".", document.baseURI).href,
  apiKey: settings.key,
});
const initial = initialState(parseRoute(location.hash), initialShell(), settings.key() !== null);
const store = createStore(initial, reducePage);
const control = createPageControl({
  client,
  store,
  settings,
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  onVisible(callback) {
    const tell = (): void => callback(document.visibilityState === "visible");
    document.addEventListener("visibilitychange", tell);
    return () => document.removeEventListener("visibilitychange", tell);
  },
  writeRoute(route, replace) {
    const hash = formatRoute(route);
    if (hash === location.hash) return;
    if (replace) history.replaceState(null, "", hash);
    else history.pushState(null, "", hash);
  },
});

for (const query of [sidebarNarrow, panelNarrow]) {
  query.addEventListener("change", () => control.setNarrow(narrow()));
}
window.addEventListener("popstate", () => control.route(parseRoute(location.hash)));
// The theme is set before the first paint, so that a dark page does not flash white.
document.documentElement.dataset["theme"] = store.get().shell.theme;
control.start();

const root = document.getElementById("page");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <PageContext value={{ store, control }}>
        <ErrorFence instead={<Broken />}>
          <App />
        </ErrorFence>
      </PageContext>
    </StrictMode>,
  );
}

function narrow(): ShellState["narrow"] {
  return { sidebar: sidebarNarrow.matches, panel: panelNarrow.matches };
}

function initialShell(): ShellState {
  return {
    theme: settings.theme,
    open: settings.open,
    narrow: narrow(),
    drawer: null,
    sheetOpen: false,
    filter: "all",
    tab: settings.tab,
  };
}
