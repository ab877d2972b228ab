import { useId, useMemo, useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { todoCharsMax } from "../../core/limits.ts";
import { shownTodos } from "../state/reduce-todo.ts";
import type { ShownTodo } from "../state/reduce-todo.ts";
import { isOver, todayOf, wordsOfDay } from "../words/day-words.ts";
import { Icon } from "./icon.tsx";
import { LoadFailed } from "./load-failed.tsx";
import { ReminderList } from "./reminder-list.tsx";
import { useControl, usePage } from "./page-context.ts";
import { useNow } from "./use-now.ts";

/** Todos that are done and still shown. */
const doneShown = 10;

/** A person's todos: what to add, what is proposed, what is open and what was done last. */
export function TodoPanel(): ReactNode {
  const control = useControl();
  const state = usePage((page) => page.todos);
  const shown = useMemo(() => shownTodos(state), [state]);
  const { load } = state;
  const of = (status: ShownTodo["status"]): readonly ShownTodo[] =>
    shown.filter((todo) => todo.status === status);
  const done = of("done")
    .toSorted((a, b) => ((a.doneAt ?? "") < (b.doneAt ?? "") ? 1 : -1))
    .slice(0, doneShown);
  return (
    <div className="panel-body todos-body">
      <AddTodo />
      <LoadFailed load={load} onAgain={() => void control.todos.load()} />
      <Proposals todos={of("proposed")} />
      {load.is === "ready" && shown.length === 0 && <NoTodos />}
      <TodoList label="Open todos" todos={of("open")} />
      <Offers />
      <ReminderList />
      {done.length > 0 && (
        <>
          <h3 className="todos-title">Done</h3>
          <TodoList label="Done todos" todos={done} />
        </>
      )}
    </div>
  );
}

function AddTodo(): ReactNode {
  const control = useControl();
  const [text, setText] = useState("");
  const id = useId();
  const add = (event: FormEvent): void => {
    event.preventDefault();
    const words = text.trim();
    if (words === "") return;
    void control.todos.add(words);
    setText("");
  };
  return (
    <form className="todo-add" onSubmit={add}>
      <label className="unseen" htmlFor={id}>
        New todo
      </label>
      <input
        id={id}
        value={text}
        maxLength={todoCharsMax}
        placeholder="Add a todo"
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit" className="small-button" disabled={text.trim() === ""}>
        Add
      </button>
    </form>
  );
}

function NoTodos(): ReactNode {
  const control = useControl();
  return (
    <div className="no-tasks">
      <h3>Nothing to do</h3>
      <p>What you want to remember goes here. In a chat, type todo and what it is.</p>
      <button
        type="button"
        className="small-button"
        onClick={() => void control.todos.add("water the plants")}
      >
        Try: water the plants
      </button>
    </div>
  );
}

/** What a task has found and asks about: nothing is on the list before a yes. */
function Proposals({ todos }: { readonly todos: readonly ShownTodo[] }): ReactNode {
  const control = useControl();
  if (todos.length === 0) return null;
  const dismiss = (todo: ShownTodo): void => void control.todos.remove(todo.id);
  const accept = (todo: ShownTodo): void => void control.todos.change(todo.id, { accepted: true });
  return (
    <section className="proposals" aria-label="Proposed todos">
      <div className="proposals-head">
        <h3 className="todos-title">Shall these go on your list?</h3>
        <button type="button" className="link" onClick={() => todos.forEach(accept)}>
          Add all
        </button>
      </div>
      <ul className="todos" aria-label="Proposed">
        {todos.map((todo) => (
          <li key={todo.id} className="todo" data-pending={todo.isPending}>
            <span className="todo-text">
              {todo.text}
              <Due todo={todo} />
            </span>
            <button
              type="button"
              className="icon-button"
              aria-label={`Add: ${todo.text}`}
              title="Add to the list"
              onClick={() => accept(todo)}
            >
              <Icon name="check" />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={`Dismiss: ${todo.text}`}
              title="Dismiss"
              onClick={() => dismiss(todo)}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What Errand can do with the list: wishes that are said in the chat, and answered there. */
function Offers(): ReactNode {
  const control = useControl();
  const isChat = usePage((page) => page.route.sessionId !== null);
  const hasOpen = usePage((page) => page.todos.todos.some(({ status }) => status === "open"));
  if (!isChat && !hasOpen) return null;
  return (
    <div className="offers">
      {hasOpen && (
        <button
          type="button"
          className="small-button"
          onClick={() => void control.chat.send("plan")}
        >
          Plan my day
        </button>
      )}
      {isChat && (
        <button
          type="button"
          className="small-button"
          onClick={() => void control.chat.send("extract")}
        >
          Find todos in this chat
        </button>
      )}
    </div>
  );
}

interface TodoListProps {
  readonly label: string;
  readonly todos: readonly ShownTodo[];
}

function TodoList({ label, todos }: TodoListProps): ReactNode {
  if (todos.length === 0) return null;
  return (
    <ul className="todos" aria-label={label}>
      {todos.map((todo) => (
        <TodoRow key={todo.id} todo={todo} />
      ))}
    </ul>
  );
}

function TodoRow({ todo }: { readonly todo: ShownTodo }): ReactNode {
  const control = useControl();
  const isDone = todo.status === "done";
  // A todo that is not stored yet has no id that the server knows.
  const isNew = !todo.id.startsWith("todo_");
  return (
    <li className="todo" data-done={isDone} data-pending={todo.isPending}>
      <label className="todo-check">
        <input
          type="checkbox"
          checked={isDone}
          disabled={isNew}
          onChange={(event) => void control.todos.change(todo.id, { done: event.target.checked })}
        />
        <span className="todo-text">
          {todo.text}
          <Due todo={todo} />
        </span>
      </label>
      <button
        type="button"
        className="icon-button todo-remove"
        disabled={isNew}
        aria-label={`Delete: ${todo.text}`}
        title="Delete"
        onClick={() => void control.todos.remove(todo.id)}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

function Due({ todo }: { readonly todo: ShownTodo }): ReactNode {
  const today = todayOf(useNow(60_000));
  if (todo.dueDay === null) return null;
  const isLate = todo.status !== "done" && isOver(todo.dueDay, today);
  return (
    <time className="todo-due" data-late={isLate} dateTime={todo.dueDay}>
      {isLate ? "Overdue: " : ""}
      {wordsOfDay(todo.dueDay, today)}
    </time>
  );
}
