import { useEffect } from "react";
import type { ReactNode } from "react";
import { sideShown } from "../state/page-state.ts";
import type { Side } from "../state/page-state.ts";
import { openChat } from "../state/select-chat.ts";
import { Notices, OfflineBanner } from "./banner.tsx";
import { Chat } from "./chat.tsx";
import { Dialog } from "./dialog.tsx";
import { Header } from "./header.tsx";
import { Icon } from "./icon.tsx";
import { KeyForm } from "./key-form.tsx";
import { LiveRegion } from "./live-region.tsx";
import { useControl, usePage } from "./page-context.ts";
import { Panel } from "./panel.tsx";
import { ShortcutSheet } from "./shortcut-sheet.tsx";
import { focusComposer, useShortcuts } from "./shortcuts.ts";
import { Sidebar } from "./sidebar.tsx";

/** The whole page. */
export function App(): ReactNode {
  useShortcuts();
  useTheme();
  useTitle();
  const access = usePage((state) => state.access);
  return (
    <div className="page">
      <button type="button" className="skip" onClick={focusComposer}>
        Skip to the message box
      </button>
      <Header />
      <OfflineBanner />
      <div className="frame">
        {access === "open" && <SideOf side="sidebar" label="Chats" />}
        <main className="chat">{access === "open" ? <Chat /> : <KeyForm />}</main>
        {access === "open" && <SideOf side="panel" label="Tasks and todos" />}
      </div>
      <ShortcutSheet />
      <LiveRegion />
    </div>
  );
}

interface SideProps {
  readonly side: Side;
  readonly label: string;
}

/** A side of the frame: beside the chat, or as a drawer over it. */
function SideOf({ side, label }: SideProps): ReactNode {
  const control = useControl();
  const shown = usePage((state) => sideShown(state.shell, side));
  const content = side === "sidebar" ? <Sidebar /> : <Panel />;
  if (shown === "no") return null;
  if (shown === "drawer") {
    return (
      <Dialog label={label} className={`drawer ${side}`} onClose={control.closeDrawer}>
        <div className="drawer-inner">
          <button
            type="button"
            className="icon-button drawer-close"
            aria-label={`Close ${label.toLowerCase()}`}
            onClick={control.closeDrawer}
          >
            <Icon name="close" />
          </button>
          {content}
          {/* What lies under a drawer cannot be seen or pressed. */}
          <Notices />
          <OfflineBanner />
        </div>
      </Dialog>
    );
  }
  return side === "sidebar" ? (
    <nav className="sidebar" aria-label={label}>
      {content}
    </nav>
  ) : (
    <aside className="panel" aria-label={label}>
      {content}
    </aside>
  );
}

function useTheme(): void {
  const theme = usePage((state) => state.shell.theme);
  useEffect(() => {
    document.documentElement.dataset["theme"] = theme;
  }, [theme]);
}

function useTitle(): void {
  const title = usePage((state) => openChat(state)?.title ?? "");
  useEffect(() => {
    document.title = title === "" ? "Errand" : `${title} · Errand`;
  }, [title]);
}
