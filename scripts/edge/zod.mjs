/**
 * Zod without its messages in fifty languages, its compiler and its reader of JSON Schema, which are 300 kB of a Worker and
 * never used here: wrangler.jsonc puts this in place of the package. It exports what zod's own index does, but for those;
 * zod.test.ts compares them.
 */
import * as z from "./zod-classic.mjs";

export * from "./zod-classic.mjs";
export { z, z as default };
