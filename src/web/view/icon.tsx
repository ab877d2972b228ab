import type { ReactNode } from "react";

/** Lines on a 20 x 20 grid, drawn for this page. */
const drawings = {
  menu: "M3.5 6h13M3.5 10h13M3.5 14h8",
  sidebar: "M3.5 4.5h13v11h-13zM8 4.5v11",
  panel: "M3.5 4.5h13v11h-13zM12.5 4.5v11",
  compose:
    "M10 4.5H5.5a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1V10M8.5 11.5l.4-2.1 6-6 1.7 1.7-6 6z",
  send: "M10 15.5v-11M5.5 9 10 4.5 14.5 9",
  stop: "M6 6h8v8H6z",
  close: "m5.5 5.5 9 9m0-9-9 9",
  back: "M15.5 10h-11M9 5.5 4.5 10 9 14.5",
  down: "M10 4.5v11M5.5 11l4.5 4.5 4.5-4.5",
  retry: "M15.8 8.5A6 6 0 1 0 16 11M16 4.5v4h-4",
  play: "M7 5.2v9.6l7.5-4.8z",
  check: "m4.5 10.5 3.8 3.8 7.2-8.6",
  clock: "M10 3.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M10 6.5V10l2.3 1.6",
  pause: "M7.5 5.5v9M12.5 5.5v9",
  spin: "M10 3.5a6.5 6.5 0 1 1-6.2 4.5",
  alert: "M10 3.6 17 15.9H3zM10 8.2v3.4M10 13.6v.1",
  copy: "M7.5 7.5h8v8h-8zM12.5 7.5v-3h-8v8h3",
  trash: "M4.5 6h11M8 6V4.5h4V6M6 6l.6 9.5h6.8L14 6",
  sun: "M10 7a3 3 0 1 1 0 6 3 3 0 0 1 0-6M10 2.8v1.4M10 15.8v1.4M2.8 10h1.4M15.8 10h1.4M4.9 4.9l1 1M14.1 14.1l1 1M4.9 15.1l1-1M14.1 5.9l1-1",
  moon: "M15.9 11.8A6.5 6.5 0 0 1 8.2 4.1a6.5 6.5 0 1 0 7.7 7.7z",
  screen: "M3.5 4.5h13v8.5h-13zM7.5 16h5M10 13v3",
  key: "M13 3.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7M10.5 9.5 4 16M6.2 13.8l2 2",
  keyboard: "M3 5.5h14v9H3zM5.8 8.3v.1M8.6 8.3v.1M11.4 8.3v.1M14.2 8.3v.1M7 11.8h6",
  plug: "M8 3.5V7M12 3.5V7M5.5 7h9v2.5a4.5 4.5 0 0 1-9 0zM10 14v2.5",
  offline:
    "M3.5 3.5l13 13M6.2 9.7a6 6 0 0 1 2-1.3M3.8 7.2a9.5 9.5 0 0 1 2.4-1.5M10.3 6a9.5 9.5 0 0 1 6 1.2M12.6 9a6 6 0 0 1 1.2.7M8 12.3a3 3 0 0 1 3.4-.4M10 15v.1",
  chat: "M4.5 4.5h11v8.5h-6L6 16v-3H4.5z",
  tool: "M12.5 4.2a3.8 3.8 0 0 0-3.6 5l-5 5 1.9 1.9 5-5a3.8 3.8 0 0 0 4.9-4.7L13.5 8.6l-2-2z",
} as const;

/** Name of a picture. */
export type IconName = keyof typeof drawings;

/** A picture beside a word. Hidden from assistive technology: the word says it. */
export function Icon({ name }: { readonly name: IconName }): ReactNode {
  return (
    <svg className="icon" data-icon={name} viewBox="0 0 20 20" aria-hidden="true">
      <path d={drawings[name]} />
    </svg>
  );
}

/** The mark of Errand: out, and back with the result. */
export function Mark(): ReactNode {
  return (
    <svg className="mark" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M4 6h7.5a4 4 0 0 1 0 8H7" />
      <path d="m9.3 10.7-3.3 3.3 3.3 3.3" />
    </svg>
  );
}
