import { commandHelp } from "./answer-command.ts";

const greeting = /^(?:hi|hello|hey|good (?:morning|afternoon|evening)|howdy|yo)\b[^\n]{0,30}$/i;
const thanks = /^(?:thanks|thank you|thx|cheers)\b[^\n]{0,30}$/i;

/** How a model is connected, in words. */
export const connectHelp: string = [
  "To connect a model, do one of these:",
  "- start LM Studio on this machine and turn its server on (port 1234), or start Ollama (port 11434): Errand looks for both",
  "- or set `ERRAND_MODEL_BASE_URL` to any OpenAI-compatible endpoint, such as `http://127.0.0.1:1234/v1`, and start Errand again",
].join("\n");

/**
 * What the assistant says to anything that is no command while no model is connected: plainly that there is none,
 * what it can do all the same, and how to connect one.
 */
export function plainAnswer(message: string): string {
  const said = message.trim();
  if (thanks.test(said)) return "You are welcome.";
  const opening = greeting.test(said)
    ? "Hello. No language model is connected, so I am a plain assistant with fixed rules."
    : "No language model is connected, so I cannot answer that. What I can do goes by fixed rules.";
  const keep = greeting.test(said)
    ? []
    : ['To have what you just said kept as a job, say "add this job to the queue".'];
  return [opening, commandHelp, ...keep, connectHelp].join("\n\n");
}
