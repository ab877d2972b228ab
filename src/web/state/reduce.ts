import { initialState, noticesMax } from "./page-state.ts";
import type { PageState } from "./page-state.ts";
import type { PageAction, ShellAction } from "./page-action.ts";
import { reduceChat } from "./reduce-chat.ts";
import { reduceTask } from "./reduce-task.ts";
import { reduceBoard } from "./reduce-board.ts";
import { reduceTodo } from "./reduce-todo.ts";

/** The next state of the page. Pure: time and ids come inside the action. */
export function reducePage(state: PageState, { about, action }: PageAction): PageState {
  switch (about) {
    case "chat":
      return reduceChat(state, action);
    case "task":
      return reduceTask(state, action);
    case "todo":
      return reduceTodo(state, action);
    case "board":
      return reduceBoard(state, action);
    case "shell":
      return reduceShell(state, action);
    default: {
      const never: never = about;
      return never;
    }
  }
}

/**
 * What was loaded is what the key before may see. Whoever forgets the key leaves the page to somebody else: nothing of
 * theirs stays, unsent messages neither. A new key may be the same person's, who goes on.
 */
function withKey({ route, shell, sends }: PageState, hasKey: boolean): PageState {
  const nowhere = { sessionId: null, taskId: null };
  const empty = initialState(hasKey ? route : nowhere, shell, hasKey);
  return hasKey ? { ...empty, sends } : { ...empty, access: "keyNeeded" };
}

function reduceShell(state: PageState, action: ShellAction): PageState {
  switch (action.type) {
    case "routed":
      return { ...state, route: action.route };
    case "accessChanged":
      return action.access === state.access ? state : { ...state, access: action.access };
    case "keyChanged":
      return withKey(state, action.hasKey);
    case "connectionChanged":
      return { ...state, connection: action.connection };
    case "modelLoaded":
      return { ...state, model: action.model };
    case "shellChanged":
      return { ...state, shell: { ...state.shell, ...action.shell } };
    case "noticed": {
      const id = (state.notices.at(-1)?.id ?? 0) + 1;
      const notice = { id, tone: action.tone, text: action.text };
      const others = state.notices.filter((other) => other.text !== action.text);
      return { ...state, notices: [...others, notice].slice(-noticesMax) };
    }
    case "noticeDismissed":
      return { ...state, notices: state.notices.filter((notice) => notice.id !== action.id) };
    default: {
      const never: never = action;
      return never;
    }
  }
}
