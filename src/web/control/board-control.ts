import { explainFailure, failureCode, inOneLine } from "../../client/index.ts";
import type { BoardAction } from "../state/reduce-board.ts";
import { guarded } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a person can look at and do with queues and schedules. Nothing here rejects. */
export interface BoardControl {
  /** Loads what a tab shows, now and again and again, until the answer is called. */
  readonly watch: (what: "queues" | "schedules") => () => void;
  /** The same for alerts; who may not see them is shown none and not asked again. */
  readonly watchAlerts: () => () => void;
  readonly load: (what: "queues" | "schedules") => Promise<void>;
  readonly pauseQueue: (name: string, paused: boolean) => Promise<void>;
  readonly pauseSchedule: (name: string, paused: boolean) => Promise<void>;
  /** Submits a run of a schedule now. */
  readonly runSchedule: (name: string) => Promise<void>;
  readonly removeSchedule: (name: string) => Promise<void>;
}

/** Queues move all the time; schedules now and then. */
const watchDelayMs = { queues: 3_000, schedules: 15_000, alerts: 10_000 };

/** Builds the controls of queues and schedules. */
export function createBoardControl(surroundings: Surroundings): BoardControl {
  const { client, store, after } = surroundings;
  const dispatch = (action: BoardAction): void => store.dispatch({ about: "board", action });
  const load: BoardControl["load"] = (what) => loadBoard(surroundings, dispatch, what);
  const change = changing(surroundings, dispatch);
  return {
    load,
    watch: (what) =>
      again(after, watchDelayMs[what], async () => {
        await load(what);
        return true;
      }),
    watchAlerts: () => again(after, watchDelayMs.alerts, () => loadAlerts(surroundings, dispatch)),
    async pauseQueue(name, paused) {
      const words = paused ? "pause the queue" : "resume the queue";
      const queue = await change(`queue ${name}`, words, () =>
        paused ? client.queues.pause(name) : client.queues.resume(name),
      );
      if (queue !== undefined) dispatch({ type: "queueChanged", queue });
    },
    async pauseSchedule(name, paused) {
      const words = paused ? "pause the schedule" : "resume the schedule";
      const schedule = await change(`schedule ${name}`, words, () =>
        paused ? client.schedules.pause(name) : client.schedules.resume(name),
      );
      if (schedule !== undefined) dispatch({ type: "scheduleChanged", schedule });
    },
    async runSchedule(name) {
      const task = await change(`schedule ${name}`, "run the schedule", () =>
        client.schedules.run(name),
      );
      if (task === undefined) return;
      store.dispatch({ about: "task", action: { type: "taskLoaded", task } });
      const text = `Started: ${name}. It is among the tasks.`;
      store.dispatch({ about: "shell", action: { type: "noticed", tone: "done", text } });
    },
    async removeSchedule(name) {
      const gone = await change(`schedule ${name}`, "remove the schedule", async () => {
        await client.schedules.remove(name);
        return true;
      });
      if (gone === true) dispatch({ type: "scheduleRemoved", name });
    },
  };
}

type Dispatch = (action: BoardAction) => void;

/** Does something now and again and again, as long as it answers true and until the answer is called. */
function again(
  after: Surroundings["after"],
  delayMs: number,
  act: () => Promise<boolean>,
): () => void {
  let isOver = false;
  let cancel = (): void => {};
  const round = async (): Promise<void> => {
    const goesOn = await act();
    if (goesOn && !isOver) cancel = after(delayMs, () => void round());
  };
  void round();
  return () => {
    isOver = true;
    cancel();
  };
}

/** False: this person may not see alerts. A server that is away is told by the banner. */
async function loadAlerts(surroundings: Surroundings, dispatch: Dispatch): Promise<boolean> {
  let isRefused = false;
  const alerts = await guarded(
    surroundings,
    () => surroundings.client.queues.alerts(),
    (failure) => {
      isRefused = ["forbidden", "not_found"].includes(failureCode(failure) ?? "");
    },
  );
  if (alerts !== undefined) dispatch({ type: "alertsLoaded", alerts });
  return !isRefused;
}

async function loadBoard(
  surroundings: Surroundings,
  dispatch: Dispatch,
  what: "queues" | "schedules",
): Promise<void> {
  const { client } = surroundings;
  if (what === "queues") {
    const queues = await guarded(
      surroundings,
      () => client.queues.list(),
      (failure) => dispatch({ type: "queuesFailed", failure }),
    );
    if (queues !== undefined) dispatch({ type: "queuesLoaded", queues });
    return;
  }
  const schedules = await guarded(
    surroundings,
    () => client.schedules.list(),
    (failure) => dispatch({ type: "schedulesFailed", failure }),
  );
  if (schedules !== undefined) dispatch({ type: "schedulesLoaded", schedules });
}

/** Does one thing, shown as under way; a refusal is said in words, and answered with undefined. */
function changing(
  surroundings: Surroundings,
  dispatch: Dispatch,
): <T>(thing: string, words: string, call: () => Promise<T>) => Promise<T | undefined> {
  return async (thing, words, call) => {
    dispatch({ type: "boardBusy", thing, busy: true });
    const done = await guarded(surroundings, call, (failure) => {
      const text = `Could not ${words}. ${inOneLine(explainFailure(failure))}`;
      surroundings.store.dispatch({
        about: "shell",
        action: { type: "noticed", tone: "error", text },
      });
    });
    dispatch({ type: "boardBusy", thing, busy: false });
    return done;
  };
}
