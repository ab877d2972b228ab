import type { ReactNode } from "react";
import type { Json } from "../../core/json.ts";
import { CopyButton } from "./copy-button.tsx";

/** Most characters shown of one value: more would freeze the page. All of it can be copied. */
const shownCharsMax = 20_000;

/** A value of a task: a text as text, anything else as JSON. */
export function JsonBlock({
  title,
  value,
}: {
  readonly title: string;
  readonly value: Json;
}): ReactNode {
  const text = readable(value);
  const isCut = text.length > shownCharsMax;
  return (
    <section className="block">
      <div className="block-head">
        <h3>{title}</h3>
        <CopyButton text={text} />
      </div>
      {/* Long values scroll, so the keyboard must reach them. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre className="block-text" tabIndex={0}>
        {isCut ? text.slice(0, shownCharsMax) : text}
      </pre>
      {isCut && <p className="quiet">Shortened here. Copy takes all of it.</p>}
    </section>
  );
}

/** The text inside, if a value is nothing but one text. */
function readable(value: Json): string {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const entries = Object.values(value);
    const only: unknown = entries[0];
    if (entries.length === 1 && typeof only === "string") return only;
  }
  return JSON.stringify(value, null, 2);
}
