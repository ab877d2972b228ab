import { isChatId, isTaskId } from "../../core/ids.ts";

/** What the address names: `#/c/<session>`, with `/t/<task>` behind it when a task is open. */
export interface Route {
  readonly sessionId: string | null;
  readonly taskId: string | null;
}

/** Reads the address's hash. Ids that cannot exist are dropped. */
export function parseRoute(hash: string): Route {
  const words = hash.replace(/^#?\/?/, "").split("/");
  const route: { sessionId: string | null; taskId: string | null } = {
    sessionId: null,
    taskId: null,
  };
  for (let at = 0; at + 1 < words.length; at += 2) {
    const id = decode(words[at + 1] ?? "");
    if (words[at] === "c" && isChatId(id)) route.sessionId = id;
    if (words[at] === "t" && isTaskId(id)) route.taskId = id;
  }
  return route;
}

/** Writes the hash of a route. */
export function formatRoute(route: Route): string {
  const chat = route.sessionId === null ? "" : `/c/${encodeURIComponent(route.sessionId)}`;
  const task = route.taskId === null ? "" : `/t/${encodeURIComponent(route.taskId)}`;
  return `#${chat}${task}` === "#" ? "#/" : `#${chat}${task}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
