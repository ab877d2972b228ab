import { commandHelp } from "./answer-command.ts";
import { nearCommand } from "./named-job.ts";
import { oneLine } from "./task-words.ts";

const greeting = /^(?:hi|hello|hey|good (?:morning|afternoon|evening)|howdy|yo)\b[^\n]{0,30}$/i;
const thanks = /^(?:thanks|thank you|thx|cheers)\b[^\n]{0,30}$/i;

/** How a model is connected, in words. */
export const connectHelp: string = [
  "To connect a model, do one of these:",
  "- start LM Studio on this machine and turn its server on (port 1234), or start Ollama (port 11434): Errand looks for both",
  "- or set `ERRAND_MODEL_BASE_URL` to any OpenAI-compatible endpoint, such as `http://127.0.0.1:1234/v1`, and start Errand again",
].join("\n");

/** What can be typed, in one line: for somebody who has tried something else. */
const shortHelp =
  "Commands go without one: `enqueue <text>`, `list`, `work`, `status`, `why`, `cancel <id>`, `todo <text>`, `todos`, `remind me <what> <when>`, `plan`. `help` explains them.";

/**
 * What the assistant says to anything that is no command while no model is connected: plainly that there is none,
 * what it can do all the same, and how to connect one. What nearly is a command is asked about.
 */
export function plainAnswer(message: string): string {
  const said = message.trim();
  if (thanks.test(said)) return "You are welcome.";
  if (greeting.test(said)) {
    const opening =
      "Hello. No language model is connected, so I am a plain assistant with fixed rules.";
    return [opening, commandHelp, connectHelp].join("\n\n");
  }
  const near = nearCommand(said);
  if (near !== null)
    return `I do not know \`${oneLine(said, 80)}\`. Did you mean \`${oneLine(near, 80)}\`?`;
  return [
    "No language model is connected, so I cannot answer that.",
    shortHelp,
    'To have what you just said kept as a job, say "add this job to the queue".',
    connectHelp,
  ].join("\n\n");
}
