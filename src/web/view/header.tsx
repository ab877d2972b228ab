import type { ReactNode } from "react";
import { sideShown } from "../state/page-state.ts";
import type { Side, Theme } from "../state/page-state.ts";
import { activeCount } from "../state/select-tasks.ts";
import { openChat } from "../state/select-chat.ts";
import { Icon, Mark } from "./icon.tsx";
import type { IconName } from "./icon.tsx";
import { ModelStatusButton } from "./model-status.tsx";
import { useControl, usePage } from "./page-context.ts";

/** The line above everything: sides, title, connection, model, theme. */
export function Header(): ReactNode {
  const title = usePage((state) => openChat(state)?.title ?? "");
  const isIn = usePage((state) => state.access === "open");
  return (
    <header className="bar">
      {isIn && <SideButton side="sidebar" icon="sidebar" label="Chats" />}
      <span className="brand">
        <Mark />
        Errand
      </span>
      <h1 className="bar-title">{isIn ? title || "New chat" : "Sign in"}</h1>
      <div className="bar-end">
        {isIn && <ModelStatusButton />}
        {isIn && <ConnectionMark />}
        <ThemeButton />
        <SheetButton />
        {isIn && <TasksButton />}
      </div>
    </header>
  );
}

function SideButton({
  side,
  icon,
  label,
}: {
  readonly side: Side;
  readonly icon: IconName;
  readonly label: string;
}): ReactNode {
  const control = useControl();
  const shown = usePage((state) => sideShown(state.shell, side) !== "no");
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      aria-expanded={shown}
      title={`${shown ? "Hide" : "Show"} ${label.toLowerCase()}`}
      onClick={() => control.toggleSide(side)}
    >
      <Icon name={icon} />
    </button>
  );
}

function TasksButton(): ReactNode {
  const control = useControl();
  const shown = usePage((state) => sideShown(state.shell, "panel") !== "no");
  const active = usePage((state) => activeCount(state));
  return (
    <button
      type="button"
      className="icon-button with-count"
      aria-label={active === 0 ? "Tasks and todos" : `Tasks and todos, ${active} active`}
      aria-expanded={shown}
      title={`${shown ? "Hide" : "Show"} tasks and todos`}
      onClick={() => control.toggleSide("panel")}
    >
      <Icon name="panel" />
      {active > 0 && <span className="count">{active > 99 ? "99+" : active}</span>}
    </button>
  );
}

const connectionWords = {
  connecting: "Connecting",
  live: "Live",
  lost: "Reconnecting",
} as const;

function ConnectionMark(): ReactNode {
  const is = usePage((state) => state.connection.is);
  return (
    <span className="connection" data-is={is} title={`Connection: ${connectionWords[is]}`}>
      <span className="connection-dot" aria-hidden="true" />
      <span className="connection-word">{connectionWords[is]}</span>
    </span>
  );
}

const themes: Record<
  Theme,
  { readonly next: Theme; readonly icon: IconName; readonly word: string }
> = {
  system: { next: "light", icon: "screen", word: "as the device" },
  light: { next: "dark", icon: "sun", word: "light" },
  dark: { next: "system", icon: "moon", word: "dark" },
};

function ThemeButton(): ReactNode {
  const control = useControl();
  const theme = usePage((state) => state.shell.theme);
  const { next, icon, word } = themes[theme];
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={`Colours: ${word}. Change to ${themes[next].word}`}
      title={`Colours: ${word}`}
      onClick={() => control.setTheme(next)}
    >
      <Icon name={icon} />
    </button>
  );
}

function SheetButton(): ReactNode {
  const control = useControl();
  return (
    <button
      type="button"
      className="icon-button wide-only"
      aria-label="Keyboard shortcuts"
      title="Keyboard shortcuts"
      onClick={() => control.setSheet(true)}
    >
      <Icon name="keyboard" />
    </button>
  );
}
