import { emptyView, foldTask, isTaskEvent, type ErrandClient, type Task } from "../client/index.ts";
import { outputText, print, stateWords, write } from "./words.ts";

/** How to show a task that is followed. */
export interface FollowStyle {
  readonly json: boolean;
  /** Where to go on. */
  readonly after?: string | null;
}

/**
 * Follows a task to its end and shows it: states on stderr, text on stdout, so that the answer can be piped. With
 * `json`, each event is one line on stdout. Answers the ended task.
 */
export async function showTask(
  client: ErrandClient,
  taskId: string,
  style: FollowStyle,
): Promise<Task | null> {
  let view = emptyView(taskId);
  let shownState = "";
  let shownText = "";
  for await (const item of client.follow(taskId, { after: style.after ?? null })) {
    if (item.kind === "connection") {
      if (item.connection.state === "retrying")
        process.stderr.write("connection lost, trying again...\n");
      continue;
    }
    if (style.json) print({ cursor: item.cursor, ...item.event });
    const { event } = item;
    if (!isTaskEvent(event)) continue;
    view = foldTask(view, event);
    if (style.json) continue;
    const text = view.stream.text;
    if (text.startsWith(shownText)) write(process.stdout, text.slice(shownText.length));
    else write(process.stdout, `\n[the answer starts again]\n${text}`);
    shownText = text;
    const state = view.task === null ? "" : stateWords(view.task);
    if (state !== shownState && view.task !== null && view.task.completedAt === null)
      write(
        process.stderr,
        `${shownText === "" || shownText.endsWith("\n") ? "" : "\n"}· ${state}\n`,
      );
    shownState = state;
  }
  const task = await client.tasks.get(taskId);
  if (!style.json) finish(task, shownText);
  return task;
}

function finish(task: Task, shownText: string): void {
  if (task.status !== "completed") {
    write(process.stderr, `${shownText === "" ? "" : "\n"}errand: ${stateWords(task)}\n`);
    return;
  }
  const text = outputText(task);
  if (shownText.trim() !== "" && text.trim() === shownText.trim())
    process.stdout.write(text.endsWith("\n") ? "" : "\n");
  else write(process.stdout, `${shownText === "" ? "" : "\n"}${text}\n`);
}
