import { panelTabs } from "../state/page-state.ts";
import type { PanelTab, Send, Side, Theme } from "../state/page-state.ts";
import { fieldsOf, isObject } from "../../client/shape.ts";

/** The part of `Storage` that settings use. */
export interface TextStore {
  readonly getItem: (name: string) => string | null;
  readonly setItem: (name: string, text: string) => void;
  readonly removeItem: (name: string) => void;
}

/** What the page remembers between visits. Reading never throws; writing is lost silently where storage is refused. */
export interface Settings {
  readonly theme: Theme;
  /** Which sides stand open in a wide window. */
  readonly open: Readonly<Record<Side, boolean>>;
  /** What the panel showed last. */
  readonly tab: PanelTab;
  readonly setTab: (tab: PanelTab) => void;
  readonly setTheme: (theme: Theme) => void;
  readonly setOpen: (side: Side, open: boolean) => void;
  /**
   * The API key. Kept in localStorage and not for the tab only: closing the tab and coming back to the answer is
   * what Errand is for, and must not end at a key prompt. It can be forgotten with one click, and the page's CSP lets no
   * foreign script run that could read it.
   */
  readonly key: () => string | null;
  readonly setKey: (key: string | null) => void;
  /** Messages that no answer has confirmed yet: a closed tab must not lose them. */
  readonly outbox: () => readonly Send[];
  readonly setOutbox: (sends: readonly Send[]) => void;
}

const names = {
  theme: "errand.theme",
  sidebar: "errand.sidebar",
  panel: "errand.panel",
  tab: "errand.tab",
  key: "errand.key",
  outbox: "errand.outbox",
} as const;

/** Opens the settings on a text store, normally `window.localStorage`: looking at that alone throws where it is refused. */
export function openSettings(store: () => TextStore): Settings {
  const read = (name: string): string | null => attempt(() => store().getItem(name));
  const write = (name: string, text: string | null): void => {
    attempt(() => (text === null ? store().removeItem(name) : store().setItem(name, text)));
  };
  /** Where storage is refused, the key lasts as long as the page. */
  let unkept: string | null = null;
  const theme = read(names.theme);
  return {
    theme: theme === "light" || theme === "dark" ? theme : "system",
    open: { sidebar: read(names.sidebar) !== "closed", panel: read(names.panel) !== "closed" },
    tab: panelTabs.find((tab) => tab === read(names.tab)) ?? "tasks",
    setTab: (tab) => write(names.tab, tab === "tasks" ? null : tab),
    setTheme: (next) => write(names.theme, next === "system" ? null : next),
    setOpen: (side, open) => write(names[side], open ? null : "closed"),
    key: () => read(names.key) ?? unkept,
    setKey(key) {
      write(names.key, key);
      unkept = read(names.key) === key ? null : key;
    },
    outbox: () => parseOutbox(read(names.outbox)),
    setOutbox: (sends) => write(names.outbox, sends.length === 0 ? null : JSON.stringify(sends)),
  };
}

/** Storage throws in private windows and when it is full. */
function attempt<T>(step: () => T): T | null {
  try {
    return step();
  } catch {
    return null;
  }
}

function parseOutbox(text: string | null): readonly Send[] {
  const sends = attempt((): unknown => JSON.parse(text ?? "[]"));
  if (!Array.isArray(sends)) return [];
  return sends.flatMap((value: unknown) => {
    const send = attempt(() => parseSend(value));
    return send === null ? [] : [send];
  });
}

function parseSend(value: unknown): Send | null {
  if (!isObject(value)) return null;
  const f = fieldsOf(value, "send");
  const failed = f.json("failure") !== null;
  return {
    actionId: f.text("actionId"),
    sessionId: f.text("sessionId"),
    text: f.text("text"),
    createdAtMs: f.number("createdAtMs"),
    afterId: f.textOrNull("afterId"),
    failure: failed ? { kind: "network", detail: "" } : null,
    matchedId: null,
  };
}
