/* oxlint-disable typescript/no-unsafe-type-assertion -- This file is the one place where the engine says of which type
   a value is that the compiler cannot know. Each function states who guarantees it. */
import type { Decider } from "../core/decider.ts";
import type { QueueEvent } from "../core/queue/events.ts";
import type { QueueState } from "../core/queue/state.ts";
import type { SessionEvent, SessionState } from "../core/session/state.ts";
import type { Entry } from "../core/stream/entry.ts";
import type { TaskEvent } from "../core/task/events.ts";
import type { TaskSignal } from "../core/task/commands.ts";
import type { TaskState } from "../core/task/state.ts";
import type { UserEvent, UserState } from "../core/user/decider.ts";
import type { AnyDecider } from "./kernel/group.ts";

/** State of a task scope: the kernel gives a scope's state to the decider of its kind only. */
export const asTask = (state: unknown): TaskState => state as TaskState;

/** State of a session scope. */
export const asSession = (state: unknown): SessionState => state as SessionState;

/** State of a queue scope. */
export const asQueue = (state: unknown): QueueState => state as QueueState;

/** State of a user scope. */
export const asUser = (state: unknown): UserState => state as UserState;

/** Events of a task's log: its decider wrote them, and the frame's version was checked. */
export const asTaskEvents = (events: readonly unknown[]): readonly TaskEvent[] =>
  events as readonly TaskEvent[];

/** Events of a queue's log. */
export const asQueueEvents = (events: readonly unknown[]): readonly QueueEvent[] =>
  events as readonly QueueEvent[];

/** Events of a session's log. */
export const asSessionEvents = (events: readonly unknown[]): readonly SessionEvent[] =>
  events as readonly SessionEvent[];

/** Events of a user's log. */
export const asUserEvents = (events: readonly unknown[]): readonly UserEvent[] =>
  events as readonly UserEvent[];

/** Only deciders of tasks give signals. */
export const asTaskSignal = (signal: unknown): TaskSignal => signal as TaskSignal;

/** Entries of a stream row: sealed JSON of our own, authenticated with its place. */
export const asEntries = (json: string): Entry[] => JSON.parse(json) as Entry[];

/** A decider as the kernel keeps it: it is given only states, commands and events of its own kind of scope. */
export const eraseDecider = <S, C, E>(decider: Decider<S, C, E>): AnyDecider => decider;

/**
 * A value as its owner knows it: the result of a step is what the step returned, made JSON; the payload of an event
 * and the output of a child are what the handler's author expects of them; a handler's input was parsed by the task
 * type's own schema.
 */
export const asKnownToCaller = <T>(value: unknown): T => value as T;
