/** What `verify` and `test` run, as data: the static checks and the vitest projects of vitest.config.ts. */

/** A tool of node_modules that must exit with 0. */
export type Check = { readonly name: string; readonly tool: string; readonly args: string[] };

/** A vitest project. `browser` suites get Chromium in `CHROME_PATH` and a built page in dist/web. */
export type Suite = {
  readonly project: string;
  readonly about: string;
  readonly browser?: boolean;
};

/** Fast enough for every save. */
export const STATIC_CHECKS: readonly Check[] = [
  { name: "format", tool: "oxfmt", args: ["--check", "."] },
  { name: "lint", tool: "oxlint", args: ["--type-aware"] },
  { name: "types", tool: "tsc", args: ["-b"] },
];

/** Part of `verify`; holds tidy, the checks on the repository itself. */
export const UNIT_SUITE: Suite = { project: "unit", about: "tests beside their files, and tidy" };

/** Waits most of its time: part of `test`, where it runs while the others do. */
export const BESIDE_SUITE: Suite = { project: "beside", about: "what takes time and nothing else" };

/** Only part of `test`, the slowest last. */
export const SLOW_SUITES: readonly Suite[] = [
  { project: "contracts", about: "each port's contract on each adapter that runs in Node" },
  { project: "workerd", about: "contracts and server inside workerd" },
  { project: "sim", about: "seeded simulation" },
  { project: "integration", about: "real processes, ports and files" },
  { project: "web", about: "the page in a real browser", browser: true },
];
