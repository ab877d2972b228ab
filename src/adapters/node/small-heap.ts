import { setFlagsFromString } from "node:v8";

/**
 * Makes V8 collect its old heap when it has grown by half, and not when it is several times as large: under load a
 * server then takes about a quarter less memory, and its collections are shorter. For a process that is Errand's
 * own, before it has done much: it changes the whole process.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--heap-growing-percent=50");
}
