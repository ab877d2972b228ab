import { expect, test } from "vitest";
import { initialState } from "./page-state.ts";
import { reducePage } from "./reduce.ts";
import { pageShell } from "../../../test/page-shell.ts";

const shell = { ...pageShell, theme: "dark", tab: "todos" } as const;

const send = {
  actionId: "x",
  sessionId: "chat_1",
  text: "hi",
  createdAtMs: 1,
  afterId: null,
  failure: null,
  matchedId: null,
};

const seen = {
  ...initialState({ sessionId: "chat_1", taskId: "task_1" }, shell, true),
  sessions: [
    { id: "chat_1", title: "Secret", createdAt: null, updatedAt: null, activeTaskId: null },
  ],
  sends: [send],
  wishes: { task_1: "cancel" },
} as const;

test("[WEB13] who forgets the key takes all of theirs along, unsent messages too", () => {
  const after = reducePage(seen, {
    about: "shell",
    action: { type: "keyChanged", hasKey: false },
  });
  const empty = initialState({ sessionId: null, taskId: null }, shell, false);
  expect(after).toEqual({ ...empty, access: "keyNeeded" });
});

test("[WEB13] another key sees nothing of what was loaded before it; unsent messages and the address stay", () => {
  const refused = { ...seen, access: "keyRefused" } as const;
  const action = { type: "keyChanged", hasKey: true } as const;
  expect(reducePage(refused, { about: "shell", action })).toEqual({
    ...initialState(seen.route, shell, true),
    sends: [send],
  });
});
