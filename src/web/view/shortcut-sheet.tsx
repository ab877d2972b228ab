import type { ReactNode } from "react";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { useControl, usePage } from "./page-context.ts";
import { composerKeys, shortcuts } from "./shortcuts.ts";

/** The sheet of all keys, made of the list that the page listens with. */
export function ShortcutSheet(): ReactNode {
  const control = useControl();
  const isOpen = usePage((state) => state.shell.sheetOpen);
  if (!isOpen) return null;
  return (
    <Dialog label="Keyboard shortcuts" className="sheet" onClose={() => control.setSheet(false)}>
      <div className="sheet-inner">
        <div className="sheet-head">
          <h2>Keyboard shortcuts</h2>
          <button
            type="button"
            className="icon-button"
            aria-label="Close"
            onClick={() => control.setSheet(false)}
          >
            <Icon name="close" />
          </button>
        </div>
        <dl className="keys">
          {[...shortcuts, ...composerKeys].map(({ key, label }) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{label}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Dialog>
  );
}
