import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { createAnnouncer } from "../state/announcer.ts";
import { usePageContext } from "./page-context.ts";

/** Tells assistive technology what happens in the open chat. */
export function LiveRegion(): ReactNode {
  const { store } = usePageContext();
  const [words, setWords] = useState("");
  useEffect(() => {
    const announce = createAnnouncer(setWords);
    return store.subscribe(() => announce(store.get()));
  }, [store]);
  return (
    <output className="unseen" aria-live="polite">
      {words}
    </output>
  );
}
