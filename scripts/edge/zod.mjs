/**
 * Zod without its messages in fifty languages, which are 260 kB of a Worker and never shown here: wrangler.jsonc puts
 * this in place of the package. It exports what zod's own index does, but for `locales`; zod.test.ts compares them.
 */
import * as z from "./zod-classic.mjs";

export * from "./zod-classic.mjs";
export { z, z as default };
