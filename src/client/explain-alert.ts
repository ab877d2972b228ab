import type { Alert } from "./wire.ts";

const advice: Readonly<Record<string, string>> = {
  failure_rate:
    "Look at the failed tasks: each says why. What they have in common is what to mend.",
  queue_depth:
    "More comes than is done. Give the queue more slots if its work can bear it, or send less.",
  queue_stuck: "Resume the queue if it is paused; otherwise see whether its model answers.",
  endpoint_down:
    "Start the model server, or see whether its address is right: the command doctor looks at all of it. What waits goes on by itself.",
  dead_letters: "Look at the failed tasks. Retry runs one again when what broke it is mended.",
  late_promises:
    "The model is slower than it was, or has more to do. Fewer tasks at once, or more slots, bring it back.",
};

/** What whoever runs the server can do about an alert; empty for a rule that this client does not know. */
export function adviceOnAlert({ rule }: Pick<Alert, "rule">): string {
  return advice[rule] ?? "";
}
