import { newSentences, wordsOfEnd } from "../words/spoken.ts";
import type { PageState } from "./page-state.ts";
import { followedTask, hasEnded } from "./select-chat.ts";

/**
 * Says what is new of the open chat's answers, state after state: whole sentences as they become complete, never tokens,
 * and how each answer ended.
 */
export function createAnnouncer(say: (words: string) => void): (state: PageState) => void {
  let told: { readonly taskId: string; readonly sessionId: string | null; chars: number } | null =
    null;
  return (state) => {
    const { sessionId } = state.route;
    // Another chat was opened: the answer goes on there, and is nothing that is looked at here.
    if (told?.sessionId !== sessionId) told = null;
    if (told !== null) {
      const text = textOf(state, told.taskId);
      if (text.length < told.chars) told.chars = 0;
      const isOver = hasEnded(state, told.taskId);
      const news = isOver ? text.slice(told.chars) : newSentences(text, told.chars);
      const words = isOver ? `${news} ${wordsOfEnd(state.tasks[told.taskId]?.status)}` : news;
      told.chars += news.length;
      if (words.trim() !== "") say(words.trim());
      if (isOver) told = null;
    }
    const taskId = followedTask(state);
    // What was there before this page looked is not news.
    if (taskId !== null && taskId !== told?.taskId)
      told = { taskId, sessionId, chars: textOf(state, taskId).length };
  };
}

function textOf({ views }: PageState, taskId: string): string {
  return views[taskId]?.stream.text ?? "";
}
