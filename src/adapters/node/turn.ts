import type { Turn } from "../../ports/host.ts";

/** Runs tasks after the sockets of this turn have been read: what they brought shares the next commit. */
export const nextTurn: Turn = { later: (task) => void setImmediate(task) };
