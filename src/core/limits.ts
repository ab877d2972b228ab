/** Every limit of the core in one place. Hitting one is a coded error, never a crash (SPEC LIMIT1). */

/** Largest JSON text of one event, in UTF-16 units: Durable Object rows end at 2 MB and sealed text may be UTF-8. */
export const eventCharsMax = 1_048_576;
/** Largest task input, in UTF-16 units of its JSON. The HTTP body limit is the same in bytes. */
export const inputCharsMax = 1_000_000;
/** Largest step result, output or tool result, in UTF-16 units of its JSON. Bigger things belong in blobs. */
export const resultCharsMax = 1_000_000;
/** Most tool calls of one answer of a model. */
export const toolCallsMax = 128;
/** Longest id and name of a model's tool call, in UTF-16 units. */
export const toolNameCharsMax = 256;
/** Deepest JSON accepted from outside: deeper bodies are attacks, and recursive code must survive them. */
export const jsonDepthMax = 64;
/** Longest chain of spawned tasks below a root: deeper plans are runaway agents. */
export const spawnDepthMax = 4;
/** Most children of one task. */
export const spawnWidthMax = 64;
/** Most operations (steps, waits, calls, children) of one task: its state is folded in memory. */
export const operationsMax = 10_000;
/** Most tries that `retry.attemptsMax` may ask for. */
export const attemptsMaxMax = 100;
/** A task whose worker died this often in a row while running it, with nothing kept between, is quarantined (G10). */
export const lossesMax = 3;
/** Replays of one attempt after which a worker's death counts as a loss, also while the task waits for something. */
export const resumesMax = 100;
/** Default of `timeoutMs`: seed 002 asks for five minutes. */
export const timeoutMsDefault = 300_000;
/** Default of `idleTimeoutMs` for a model call: a stream silent for so long is stalled, not slow. */
export const idleTimeoutMsDefault = 120_000;
/** Unread events that a task keeps for `waitForEvent`. */
export const inboxMax = 1_000;
/** Rough bytes in memory of a task's unread events together; one is kept whatever its size. */
export const inboxBytesMax: number = 8 * 1_024 * 1_024;
/** Longest delay, timeout, ttl, sleep or deadline: ten years, so that sums stay exact integers. */
export const durationMsMax = 315_360_000_000;
/** Most UTF-16 units of one chat message's text; a longer answer is cut in the session and whole in its task. */
export const messageCharsMax = 200_000;
/** Rough bytes in memory of a session's messages, above which it takes no further one: all of it is read at once. */
export const sessionBytesMax: number = 64 * 1_024 * 1_024;
/** Most turns that may wait in one session (G16). */
export const sessionTurnsMax = 100;
/** Most todos of one session. */
export const todosMax = 1_000;
/** Longest text of a todo or a reminder, in UTF-16 units. */
export const todoCharsMax = 2_000;
/** Longest stored summary of a session, in UTF-16 units. */
export const summaryCharsMax = 20_000;
/** Reminders of one user. */
export const remindersMax = 500;
/** Longest question of an approval, in UTF-16 units. */
export const questionCharsMax = 4_000;
/** Longest JSON of what an approval is about, in UTF-16 units. */
export const detailsCharsMax = 20_000;
/** Wishes for todos that a session remembers, so that one that comes again changes nothing. */
export const actedMax = 1_000;
/** Most tasks that wait in one lane of a user. */
export const laneTasksMax = 10_000;
/** Schedules of one user. */
export const schedulesMax = 200;
/** Rough bytes in memory of the inputs of a user's schedules together: all of them are read at once. */
export const schedulesBytesMax: number = 16 * 1_024 * 1_024;
/** Missed ticks of one schedule that are run one after the other before it goes on with the present. */
export const scheduleCatchUpMax = 100;
/** Most calls that may wait in one queue: further submits are answered 429, because memory holds all of them. */
export const pendingMax = 2_000_000;
/** Most calls that one fairness key may have waiting: half of what a queue takes, so that nobody fills one alone. */
export const pendingPerKeyMax = 1_000_000;
/** Entries of one stream: beyond it the attempt fails with `limit_exceeded`. */
export const streamEntriesMax = 1_000_000;
/** Characters of one stream entry; longer deltas are split. */
export const entryCharsMax = 65_536;
/** Plain text of one compressed stream block, in UTF-16 units, before compression. */
export const blockCharsMax = 262_144;
/** Finished tasks are removed after this long unless configured otherwise (seed 002). */
export const retentionMsDefault: number = 30 * 86_400_000;
/** Handlers that wait in memory; above it the oldest of them is dropped and replayed when it goes on. */
export const segmentsHotMax = 10_000;
/** Deepest chain of in-group messages; what is left goes through the outbox to the next group. */
export const messageHopsMax = 64;
/** Commands folded into one group commit: bounds the event-loop pause of a burst. */
export const groupCommandsMax = 512;
/** Commands a group may always take, however costly they are: below it, flushes would cost more than they share. */
export const groupCommandsMin = 64;
/** How long the work of one group should take, without the disk's part: a burst of costly commands goes in more turns. */
export const groupMsAim = 10;
/** Events of a scope between two snapshots, for kinds that have them. */
export const snapshotEventsEvery = 2_000;
