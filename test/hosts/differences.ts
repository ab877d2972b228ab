/** What a user of the edge finds different from the embedded host, and why. Journeys keep clear of these. */
export const edgeDifferences: readonly { readonly what: string; readonly why: string }[] = [
  {
    what: "Lists of tasks and sessions may be behind by milliseconds after a change that nobody asked for.",
    why: "Rows of a session's tasks come to the user's object as messages (decision 0010).",
  },
  {
    what: "An admin reads another user's tasks by /api/tasks/user/{userId} only, not by a task's id.",
    why: "Where a task lives its own user's object knows, and an id does not tell the user.",
  },
  {
    what: "A WebSocket is not closed for being slow, is not pinged, and its `ping` is not counted as a message.",
    why: "The platform does not say what waits for a reader, keeps sockets alive itself, and answers while the object sleeps.",
  },
  {
    what: "errand.config.ts, webhooks and isolate are not there.",
    why: "A Worker loads no files; webhooks are sent by an adapter of Node; there are no threads.",
  },
  {
    what: "/metrics tells of one object, that of whoever asks.",
    why: "An object counts what happens in it; nothing adds them up yet.",
  },
  {
    what: "A submit is not refused when a queue holds 2,000,000 calls.",
    why: "The length of a queue is known in its own object only.",
  },
];
