/** A good body of operations that take one, by operation id: shown in `/openapi.json` and in `/docs`. */
export const exampleBodies: Readonly<Record<string, unknown>> = {
  submitTask: {
    type: "generate",
    input: { prompt: "A haiku about patience" },
    priority: "background",
    title: "Haiku",
  },
  sendTaskEvent: { name: "approved", payload: { by: "ann" } },
  cancelTask: { reason: "not needed any more" },
  prioritizeTask: { priority: "interactive" },
  chat: { message: "enqueue water the plants", sessionId: "chat_1" },
  sendMessage: {
    message: "What is in the queue?",
    sessionId: "chat_1",
    client_action_id: "call_1",
  },
  setSchedule: {
    name: "morning",
    cron: "30 8 * * 1-5",
    timeZone: "Europe/Berlin",
    type: "generate",
    input: { prompt: "Plan my day" },
  },
  addTodo: { text: "Buy milk" },
  orchestrate: { prompt: "Plan a small party" },
  changeQueue: { slots: 2, requestsPerMinute: 60 },
  makeKey: { user: "ann", expiresInMs: 2_592_000_000 },
  createChatCompletion: {
    model: "chat",
    messages: [{ role: "user", content: "A haiku about patience" }],
    stream: true,
  },
  createResponse: { model: "chat", input: "A long report", background: true },
  createEmbeddings: { model: "embed", input: ["one text", "another"] },
};
