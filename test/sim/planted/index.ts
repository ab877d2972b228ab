import type { Mutant } from "../mutant.ts";
import { plannerBugs } from "./planner-bugs.ts";
import { queueBugs } from "./queue-bugs.ts";
import { storeBugs } from "./store-bugs.ts";
import { taskBugs } from "./task-bugs.ts";

/** Every planted bug. The simulator must find each of them. */
export const plantedBugs: readonly Mutant[] = [
  ...taskBugs,
  ...queueBugs,
  ...plannerBugs,
  ...storeBugs,
];
