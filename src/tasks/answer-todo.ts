import { ErrandError } from "../core/errors.ts";
import { todoCharsMax } from "../core/limits.ts";
import type { Todo, TodoAct } from "../core/session/todos.ts";
import type { Clerk } from "./answer-command.ts";
import type { TodoReference, TodoWish } from "./todo-command.ts";
import { dayWords, nameOfTodo, numbered, todoReport } from "./todo-report.ts";
import { readDue } from "./when.ts";

/**
 * Does what a wish about todos says and answers in words. Which todos are meant is settled in one step and done in
 * another, so that a crash between them means the same ones.
 */
export async function answerTodo(clerk: Clerk, wish: TodoWish): Promise<string> {
  const { ctx, desk } = clerk;
  switch (wish.name) {
    case "todoList":
      return todoReport(await desk.todos(ctx.userId), desk.today(await desk.zoneOf(ctx.userId)));
    case "todoAdd":
      return await add(clerk, wish.text);
    case "todoUndo":
      return await undo(clerk);
    default:
      return await change(clerk, wish.name, wish.which);
  }
}

async function add({ ctx, desk, prefix }: Clerk, text: string): Promise<string> {
  if (text.length > todoCharsMax)
    return `That todo has ${text.length} characters; the most is ${todoCharsMax}.`;
  const { userId, sessionId, taskId: operationId } = ctx;
  // "call Ann by Friday" has its day in it.
  const { today, due } = await ctx.step(`${prefix}.due`, async () => {
    const now = desk.today(await desk.zoneOf(userId));
    return { today: now, due: readDue(text, now) };
  });
  const source = sessionId === null ? null : await desk.messageOf(userId, sessionId, operationId);
  try {
    const [todo] = await ctx.step(`${prefix}.todo`, ({ key }) =>
      desk.addTodos(userId, [{ text: due?.rest ?? text, dueDay: due?.dueDay ?? null, source }], {
        key,
        operationId,
      }),
    );
    if (todo === undefined) return "It was added, and removed since.";
    const day = todo.dueDay === null ? "" : `, due ${dayWords(todo.dueDay, today)}`;
    return `Added ${nameOfTodo(todo)} to your todos${day}. Type \`todos\` to see them.`;
  } catch (error) {
    // A full list is an answer; anything else is a failure of this turn.
    if (error instanceof ErrandError && error.code === "limit_exceeded")
      return `That did not work: ${error.message}.`;
    throw error;
  }
}

type Change = "todoDone" | "todoReopen" | "todoDrop" | "todoAccept";

const acts: Readonly<Record<Change, (todoId: string) => Exclude<TodoAct, { do: "add" }>>> = {
  todoDone: (todoId) => ({ do: "change", todoId, done: true }),
  todoReopen: (todoId) => ({ do: "change", todoId, done: false }),
  todoDrop: (todoId) => ({ do: "remove", todoId }),
  todoAccept: (todoId) => ({ do: "change", todoId, accepted: true }),
};
const past: Readonly<Record<Change, string>> = {
  todoDone: "Done",
  todoReopen: "Open again",
  todoDrop: "Removed",
  todoAccept: "On your list",
};
/** What "all" and "last" choose from. */
const fitting: Readonly<Record<Change, readonly Todo["status"][]>> = {
  todoDone: ["open"],
  todoReopen: ["done"],
  todoDrop: ["proposed"],
  todoAccept: ["proposed"],
};

async function change(
  { ctx, desk, prefix }: Clerk,
  name: Change,
  which: TodoReference,
): Promise<string> {
  const { userId, taskId: operationId } = ctx;
  const meant = await ctx.step(`${prefix}.find`, async () => {
    const found = find(await desk.todos(userId), name, which);
    return typeof found === "string"
      ? { answer: found }
      : { todos: found.map(({ id, text }) => ({ id, text })) };
  });
  if (meant.todos === undefined) return meant.answer;
  for (const [index, { id }] of meant.todos.entries()) {
    // One after the other, in the order of the list.
    // oxlint-disable-next-line no-await-in-loop
    await ctx.step(`${prefix}.do-${index}`, async ({ key }) => {
      await desk.changeTodos(userId, acts[name](id), { key, operationId });
    });
  }
  return `${past[name]}: ${meant.todos.map(nameOfTodo).join(", ")}.`;
}

/** Todos done in one wish at most: each is a step. */
const allMax = 50;

function find(
  todos: readonly Todo[],
  name: Change,
  which: TodoReference,
): readonly Todo[] | string {
  const fits = todos.filter(({ status }) => fitting[name].includes(status));
  switch (which.by) {
    case "number": {
      const found = numbered(todos).find(([number]) => number === which.number)?.[1];
      return found === undefined
        ? `There is no todo number ${which.number}. \`todos\` shows them.`
        : [found];
    }
    case "last": {
      const last = fits.at(-1);
      return last === undefined ? nothingFits(name) : [last];
    }
    case "all":
      return fits.length === 0 ? nothingFits(name) : fits.slice(0, allMax);
    case "text": {
      const words = which.text.toLowerCase();
      const open = todos.filter((todo) => name === "todoReopen" || todo.status !== "done");
      const same = open.filter(({ text }) => text.toLowerCase() === words);
      const found =
        same.length > 0 ? same : open.filter(({ text }) => text.toLowerCase().includes(words));
      if (found.length === 1) return found;
      return found.length === 0
        ? `None of your todos says "${which.text}". \`todos\` shows them.`
        : `${found.length} of your todos say that. Use a number of \`todos\`.`;
    }
    default: {
      const never: never = which;
      return never;
    }
  }
}

function nothingFits(name: Change): string {
  const words = {
    todoDone: "open",
    todoReopen: "done",
    todoDrop: "proposed",
    todoAccept: "proposed",
  };
  return `None of your todos is ${words[name]}. \`todos\` shows them.`;
}

/** Takes back what the newest operation has proposed or made, as far as it is not done. */
async function undo({ ctx, desk, prefix }: Clerk): Promise<string> {
  const { userId, taskId } = ctx;
  const gone = await ctx.step(`${prefix}.find`, async () => {
    const todos = (await desk.todos(userId)).filter(
      ({ operationId, status }) => operationId !== null && status !== "done",
    );
    const newest = todos.toSorted((a, b) => a.createdAtMs - b.createdAtMs).at(-1)?.operationId;
    const those = todos.filter(({ operationId }) => operationId === newest);
    return { operationId: newest ?? null, texts: those.map(({ text }) => ({ text })) };
  });
  const { operationId } = gone;
  if (operationId === null) return "There is nothing to take back.";
  await ctx.step(`${prefix}.undo`, async ({ key }) => {
    await desk.changeTodos(userId, { do: "undo", operationId }, { key, operationId: taskId });
  });
  return `Taken back: ${gone.texts.map(nameOfTodo).join(", ")}.`;
}
