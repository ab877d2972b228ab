import { messageText, type ChatMessage } from "../core/session/state.ts";
import type { PromptMessage } from "../ports/models.ts";

/** Messages of a session that came before the turn of `taskId`; all of them if no turn is that task's. */
export function earlierMessages(
  messages: readonly ChatMessage[],
  taskId: string,
): readonly ChatMessage[] {
  const own = messages.findIndex((message) => message.taskId === taskId);
  return own < 0 ? messages : messages.slice(0, own);
}

/** Characters a message costs besides its text: role and separators of the prompt's template. */
const messageOverhead = 16;

/**
 * Ids of the messages a turn remembers: the newest earlier ones whose texts fit into `charsMax` together, and only
 * whole turns, so that no answer stands without its question. Answers that failed are left out. The log keeps all.
 */
export function chooseMemory(earlier: readonly ChatMessage[], charsMax: number): string[] {
  const chosen: string[] = [];
  let chars = 0;
  let turn: ChatMessage[] = [];
  for (const message of earlier.toReversed()) {
    turn.unshift(message);
    if (message.role !== "user") continue;
    const said = turn.filter((one) => one.status === "completed" && messageText(one) !== "");
    for (const one of said) chars += messageText(one).length + messageOverhead;
    if (chars > charsMax) break;
    chosen.unshift(...said.map(({ id }) => id));
    turn = [];
  }
  return chosen;
}

/** The chosen messages as a prompt. Their texts do not change while the turn that chose them is open. */
export function promptOfMemory(
  messages: readonly ChatMessage[],
  chosen: readonly string[],
): readonly PromptMessage[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  return chosen.flatMap((id): PromptMessage[] => {
    const message = byId.get(id);
    return message === undefined ? [] : [{ role: message.role, content: messageText(message) }];
  });
}
