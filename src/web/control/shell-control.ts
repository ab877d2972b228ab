import type { ShellAction } from "../state/page-action.ts";
import type { PanelTab, ShellState, Side, Theme } from "../state/page-state.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a person can do with the frame around chat and tasks. */
export interface ShellControl {
  readonly setTheme: (theme: Theme) => void;
  /** Opens or closes a side of the frame, beside the chat or as a drawer over it. */
  readonly toggleSide: (side: Side) => void;
  readonly setTab: (tab: PanelTab) => void;
  readonly closeDrawer: () => void;
  /** The window became too narrow for some sides, or wide enough again. */
  readonly setNarrow: (narrow: ShellState["narrow"]) => void;
  readonly setSheet: (open: boolean) => void;
  readonly dismissNotice: (id: number) => void;
}

/** Builds the frame's part of the controls. Choices are kept for the next visit. */
export function createShellControl({ store, settings }: Surroundings): ShellControl {
  const shell = (action: ShellAction): void => store.dispatch({ about: "shell", action });
  return {
    setTheme(theme) {
      settings.setTheme(theme);
      shell({ type: "shellChanged", shell: { theme } });
    },
    toggleSide(side) {
      const { open, narrow, drawer } = store.get().shell;
      if (narrow[side]) {
        shell({ type: "shellChanged", shell: { drawer: drawer === side ? null : side } });
        return;
      }
      settings.setOpen(side, !open[side]);
      shell({ type: "shellChanged", shell: { open: { ...open, [side]: !open[side] } } });
    },
    setTab(tab) {
      settings.setTab(tab);
      shell({ type: "shellChanged", shell: { tab } });
    },
    closeDrawer: () => shell({ type: "shellChanged", shell: { drawer: null } }),
    setNarrow: (narrow) => shell({ type: "shellChanged", shell: { narrow, drawer: null } }),
    setSheet: (sheetOpen) => shell({ type: "shellChanged", shell: { sheetOpen } }),
    dismissNotice: (id) => shell({ type: "noticeDismissed", id }),
  };
}
