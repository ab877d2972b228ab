import { createRequire } from "node:module";

/** What of the SDK is used here; it comes from bench/peers, which type checking does not know. */
interface Context {
  run<T>(name: string, step: () => T): PromiseLike<T>;
}
interface Sdk {
  service(definition: unknown): unknown;
  serve(options: unknown): Promise<number>;
  readonly RestatePromise: { all<T>(promises: readonly PromiseLike<T>[]): PromiseLike<T[]> };
}

const require = createRequire(new URL("../peers/package.json", import.meta.url));
const sdk: Sdk = require("@restatedev/restate-sdk");

/** The same workflow as Errand's: 12 journaled entries, ten of them side by side. */
const fan = sdk.service({
  name: "fan",
  handlers: {
    run: async (ctx: Context): Promise<number> => {
      const a = await ctx.run("a", () => 1);
      const bs = await sdk.RestatePromise.all(
        Array.from({ length: 10 }, (_, i) => ctx.run(`b${i}`, () => a + i)),
      );
      return await ctx.run("c", () => bs.reduce((sum, b) => sum + b, 0));
    },
  },
});

await sdk.serve({ services: [fan], port: Number(process.env["PORT"]) });
process.stdout.write("listening\n");
process.on("disconnect", () => process.exit());
