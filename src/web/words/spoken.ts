import type { TaskStatus } from "../../core/task/status.ts";

/** The part of `text` behind `saidChars` that ends with a whole sentence or line; empty if none is complete. */
export function newSentences(text: string, saidChars: number): string {
  const rest = text.slice(saidChars);
  const ends = /[.!?…](?=\s)|\n/g;
  let end = 0;
  for (const match of rest.matchAll(ends)) end = match.index + 1;
  return rest.slice(0, end);
}

/** How an answer ended. */
export function wordsOfEnd(status: TaskStatus | undefined): string {
  switch (status) {
    case "failed":
    case "expired":
      return "The answer failed.";
    case "cancelled":
      return "The answer was stopped.";
    default:
      return "The answer is complete.";
  }
}
