import { useState } from "react";

/** The unsent text of each chat, so that a look into another chat does not lose it. */
export function useDraft(
  sessionId: string | null,
): readonly [text: string, set: (text: string) => void] {
  const [drafts, setDrafts] = useState<ReadonlyMap<string | null, string>>(new Map());
  const set = (text: string): void => {
    setDrafts((known) => new Map(known).set(sessionId, text));
  };
  return [drafts.get(sessionId) ?? "", set];
}
