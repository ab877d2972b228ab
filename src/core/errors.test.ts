import { expect, test } from "vitest";

import { ErrandError, describeError, errorData, isErrorCode } from "./errors.ts";

test("[ERROR1] a code is one of the closed list, and each says its status and what to do", () => {
  expect(isErrorCode("conflict")).toBe(true);
  expect(["toString", "constructor", "__proto__", "", null, 409].some(isErrorCode)).toBe(false);
  expect(describeError("storage_full")).toEqual({
    status: 507,
    retry: "after",
    title: "The disk is full; nothing was accepted",
  });
});

test("[ERROR1] what is stored and shown of an error is its code, message and advice, never its cause", () => {
  const fields = [{ field: "type", message: 'must be a name, got ""' }];
  const error = new ErrandError("rate_limited", "wait a little", {
    cause: new Error("secret"),
    retryAfterMs: 500,
    fields,
  });
  expect(error.toData()).toStrictEqual({
    code: "rate_limited",
    message: "wait a little",
    retryAfterMs: 500,
    fields,
  });
  expect(new ErrandError("gone").toData()).toStrictEqual({
    code: "gone",
    message: "The thing was removed after its retention",
  });
  expect(new ErrandError("gone")).not.toHaveProperty("cause");
});

test("[ERROR1] a decider's refusal is the same data without an exception", () => {
  expect(errorData("expired")).toStrictEqual({
    code: "expired",
    message: "The task waited longer than its ttl",
  });
  expect(errorData("queue_full", "full", 9)).toStrictEqual({
    code: "queue_full",
    message: "full",
    retryAfterMs: 9,
  });
});
