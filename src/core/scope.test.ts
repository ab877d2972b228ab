import { expect, test } from "vitest";

import { InvariantError, invariant, unreachable } from "./invariant.ts";
import {
  queueScope,
  scopeKind,
  scopeName,
  sessionScope,
  taskHome,
  taskScope,
  userScope,
  type Scope,
} from "./scope.ts";

test("[SCOPE1] a scope's name tells its kind and what it names", () => {
  const scopes = [taskScope("t"), sessionScope("ann", "main"), queueScope("a/b"), userScope("ann")];
  expect(scopes.map(scopeKind)).toEqual(["task", "session", "queue", "user"]);
  expect(scopes.map(scopeName)).toEqual(["t", "ann/main", "a/b", "ann"]);
  expect(() => scopeKind("door/x" as Scope)).toThrow(InvariantError);
});

test("[SCOPE1] two users never share a session, whatever ids their clients choose", () => {
  expect(sessionScope("ann", "main")).not.toBe(sessionScope("bob", "main"));
});

test("[SCOPE2] a task lives with its session, else with its user", () => {
  expect(taskHome({ userId: "ann", sessionId: "main" })).toBe("session/ann/main");
  expect(taskHome({ userId: "ann", sessionId: null })).toBe("user/ann");
  expect(taskHome({ userId: "ann" })).toBe("user/ann");
});

test("[ERROR2] a broken invariant is an error of its own, never one that input can cause", () => {
  expect(() => invariant(true, "fine")).not.toThrow();
  expect(() => invariant(false, "a bug")).toThrow(new InvariantError("a bug"));
  expect(() => unreachable("x" as never, "kind")).toThrow('unknown kind: "x"');
});
