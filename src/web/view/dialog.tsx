import { useEffect, useLayoutEffect, useRef } from "react";
import type { ReactNode } from "react";

/** What a dialog holds. */
export interface DialogProps {
  readonly label: string;
  readonly className: string;
  /** Escape, a click beside it, or the browser's own way to close. */
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/**
 * A modal dialog, open for as long as it is rendered. The platform's own element: it keeps the focus inside, makes the rest
 * inert and gives the focus back to where it was.
 */
export function Dialog({ label, className, onClose, children }: DialogProps): ReactNode {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  useEffect(() => {
    const dialog = element.current;
    if (dialog === null) return;
    const cancel = (event: Event): void => {
      event.preventDefault();
      onClose();
    };
    // Only the backdrop is the dialog itself: its content fills it.
    const click = (event: MouseEvent): void => {
      if (event.target === dialog) onClose();
    };
    dialog.addEventListener("cancel", cancel);
    dialog.addEventListener("click", click);
    return () => {
      dialog.removeEventListener("cancel", cancel);
      dialog.removeEventListener("click", click);
    };
  }, [onClose]);
  return (
    <dialog ref={element} className={className} aria-label={label}>
      {children}
    </dialog>
  );
}
