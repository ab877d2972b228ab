import { ErrandError, type ErrorData } from "../core/errors.ts";
import { roleNames, type Engine, type TodoOrigin } from "../engine/index.ts";
import type { Todo, TodoAct } from "../core/session/todos.ts";
import type { ChatMessage } from "../core/session/state.ts";
import type { TaskView } from "../core/task/view.ts";
import type { Desk } from "./desk.ts";
import { plannerDesk } from "./planner-desk.ts";

/** The lane of each user that notes stand in. */
const lane = "notes";

/** Types whose tasks are parts of something else: a chat turn shows as its message, a worker as its parent. */
const hiddenTypes: ReadonlySet<string> = new Set(["chat", "orchestrate.worker", "summary"]);

/**
 * The desk over an engine. The engine is asked for at each call, because it is made with the tasks that hold the
 * desk: `const engine: Engine = new Engine(ports, { tasks: builtInTasks(engineDesk(() => engine)) })`.
 */
export function engineDesk(engine: () => Engine): Desk {
  return {
    ...plannerDesk(engine),
    nowMs: () => engine().nowMs(),
    notes: (userId) => engine().lanes.read(userId, lane),
    addNote: ({ userId, sessionId, text, key }) =>
      engine().lanes.add({
        userId,
        lane,
        type: "note",
        input: { text },
        key,
        ...(sessionId === null ? {} : { sessionId }),
      }),
    startNote: (userId, taskId) => engine().lanes.start(userId, lane, taskId),
    setAuto: (userId, auto) => engine().lanes.setAuto(userId, lane, auto),
    task: (userId, taskId) => orNull(taskOf(engine(), userId, taskId)),
    jobs: (userId, which, limit) => jobs(engine(), userId, which, limit),
    why: (userId, taskId) => orNull(engine().reader.why(taskId, userId)),
    cancel: (userId, taskId) => cancel(engine(), userId, taskId),
    messages: (userId, sessionId) => messages(engine(), userId, sessionId),
    today: (timeZone) => dayIn(engine().nowMs(), timeZone),
    async messageOf(userId, sessionId, taskId) {
      const said = await messages(engine(), userId, sessionId);
      const own = said.find((message) => message.taskId === taskId && message.role === "user");
      return own === undefined ? null : { sessionId, messageId: own.id };
    },
    todos: async (userId) => (await engine().todos.list(userId)).todos,
    addTodos: async (userId, drafts, { key, ...by }) =>
      (await engine().todos.add(userId, drafts, { ...by, eventId: key })).todos,
    changeTodos: (userId, act, { key, operationId }) =>
      changeTodos(engine(), userId, act, { eventId: key, operationId }),
    chatModel() {
      const { roles } = engine();
      if (!roles.has("chat")) return null;
      const { endpoint, model } = roles.resolve("chat");
      return { model, baseUrl: endpoint.baseUrl, trouble: roles.trouble(endpoint.name) };
    },
    workerRoles() {
      const named = engine().roles.assignments.map(({ role }) => role);
      return named.filter((role) => !roleNames.includes(role)).toSorted();
    },
  };
}

async function taskOf(engine: Engine, userId: string, taskId: string): Promise<TaskView> {
  const { view } = await engine.reader.task(taskId, userId);
  return view;
}

/** `null` where there is nothing of that name. */
async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ErrandError && error.code === "not_found") return null;
    throw error;
  }
}

/** Lists are by type, so that a long chat does not push a user's jobs out of them. */
async function jobs(
  engine: Engine,
  userId: string,
  which: "active" | "ended",
  limit: number,
): Promise<readonly TaskView[]> {
  const types = engine.reader.typeNames.filter((type) => !hiddenTypes.has(type));
  const classes = which === "active" ? (["active"] as const) : (["completed", "failed"] as const);
  const pages = await Promise.all(
    classes.map((statusClass) =>
      engine.reader.tasksAll({ userId, types, rootsOnly: true, statusClass, limit }),
    ),
  );
  return pages
    .flat()
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, limit);
}

async function cancel(engine: Engine, userId: string, taskId: string): Promise<ErrorData | null> {
  try {
    // The reader knows whose task it is; cancel does not ask.
    await engine.reader.task(taskId, userId);
    await engine.cancel(taskId);
    return null;
  } catch (error) {
    if (error instanceof ErrandError && (error.code === "not_found" || error.code === "conflict")) {
      return error.toData();
    }
    throw error;
  }
}

/** Swedish writes days as ISO 8601 does. */
function dayIn(atMs: number, timeZone: string | undefined): string {
  return new Intl.DateTimeFormat("sv", { timeZone, dateStyle: "short" }).format(atMs);
}

async function changeTodos(
  engine: Engine,
  userId: string,
  act: Exclude<TodoAct, { do: "add" }>,
  origin: TodoOrigin,
): Promise<readonly Todo[]> {
  try {
    return (await engine.todos.act(userId, act, origin)).todos;
  } catch (error) {
    if (error instanceof ErrandError && error.code === "not_found") return [];
    throw error;
  }
}

async function messages(
  engine: Engine,
  userId: string,
  sessionId: string,
): Promise<readonly ChatMessage[]> {
  const found = await engine.sessions.read(userId, sessionId, (session) => [
    ...session.messages.values(),
  ]);
  return found ?? [];
}
