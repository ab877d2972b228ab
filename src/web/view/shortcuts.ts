import { useEffect } from "react";
import { sideShown } from "../state/page-state.ts";
import { usePageContext } from "./page-context.ts";
import type { Page } from "./page-context.ts";

/** One key and what it does. The sheet is made of this list, so that it cannot lie. */
export interface Shortcut {
  readonly key: string;
  readonly label: string;
  readonly run: (page: Page) => void;
}

/** Id of the message box: shortcuts put the focus there. */
export const composerId: string = "composer";

/** Keys of the page. They rest while the focus is in a text field, all but Escape. */
export const shortcuts: readonly Shortcut[] = [
  { key: "/", label: "Write a message", run: focusComposer },
  {
    key: "n",
    label: "New chat",
    run({ control }) {
      control.openChat(null);
      focusComposer();
    },
  },
  {
    key: "t",
    label: "Show or hide tasks and todos",
    run: (page) => page.control.toggleSide("panel"),
  },
  { key: "c", label: "Show or hide chats", run: (page) => page.control.toggleSide("sidebar") },
  { key: "?", label: "Show these keys", run: (page) => page.control.setSheet(true) },
  {
    key: "Escape",
    label: "Close what is open, else stop the answer, else leave the message box",
    run: closeOrStop,
  },
];

/** Keys that belong to the message box; listed beside the others. */
export const composerKeys: readonly { readonly key: string; readonly label: string }[] = [
  { key: "Enter", label: "Send the message" },
  { key: "Shift + Enter", label: "New line" },
];

/** Puts the focus into the message box. */
export function focusComposer(): void {
  document.getElementById(composerId)?.focus();
}

/** Listens for the keys of the page. */
export function useShortcuts(): void {
  const page = usePageContext();
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const shortcut = shortcuts.find((known) => known.key === event.key);
      if (shortcut === undefined || event.defaultPrevented || isElsewhere(event)) return;
      event.preventDefault();
      shortcut.run(page);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [page]);
}

/** True if the key is not for us: with a modifier, in a text field, composing, or under an open dialog or popover. */
function isElsewhere(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  if (document.querySelector("dialog[open], [popover]:popover-open") !== null) return true;
  const { target } = event;
  const isField =
    target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
  return isField && event.key !== "Escape";
}

function closeOrStop({ store, control }: Page): void {
  const { detail, shell } = store.get();
  if (detail !== null && sideShown(shell, "panel") !== "no") control.openTask(null);
  // With nothing to close or stop, leave the message box, so that the other keys work.
  else if (!control.stopAnswer() && document.activeElement instanceof HTMLElement) {
    document.activeElement.blur();
  }
}
