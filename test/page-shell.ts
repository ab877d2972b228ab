import type { initialState } from "../src/web/state/page-state.ts";

/** What the page remembers of its own look, as on a wide screen that shows all. */
export const pageShell = {
  theme: "system",
  open: { sidebar: true, panel: true },
  narrow: { sidebar: false, panel: false },
  drawer: null,
  sheetOpen: false,
  filter: "all",
  tab: "tasks",
} satisfies Parameters<typeof initialState>[1];
