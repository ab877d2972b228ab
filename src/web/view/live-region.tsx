import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { followedTask } from "../state/select-chat.ts";
import { newSentences, wordsOfEnd } from "../words/spoken.ts";
import { usePageContext } from "./page-context.ts";
import type { Page } from "./page-context.ts";

/**
 * Tells assistive technology what happens in the open chat: whole sentences as they become complete, never tokens, and
 * how the answer ended.
 */
export function LiveRegion(): ReactNode {
  const page = usePageContext();
  const [words, setWords] = useState("");
  useEffect(() => announce(page, setWords), [page]);
  return (
    <output className="unseen" aria-live="polite">
      {words}
    </output>
  );
}

/** Calls `say` with each new thing to say; the answer stops it. */
function announce({ store }: Page, say: (words: string) => void): () => void {
  let taskId: string | null = null;
  let saidChars = 0;
  return store.subscribe(() => {
    const state = store.get();
    const current = followedTask(state);
    if (current !== null && current !== taskId) {
      taskId = current;
      // What was there before this page looked is not news.
      saidChars = state.views[current]?.stream.text.length ?? 0;
    }
    if (taskId === null) return;
    const text = state.views[taskId]?.stream.text ?? "";
    if (text.length < saidChars) saidChars = 0;
    const sentences = newSentences(text, saidChars);
    saidChars += sentences.length;
    const ended = current === taskId ? null : state.tasks[taskId];
    if (ended !== null) {
      say(`${text.slice(saidChars)} ${wordsOfEnd(ended?.status)}`.trim());
      taskId = null;
      saidChars = 0;
    } else if (sentences.trim() !== "") say(sentences.trim());
  });
}
