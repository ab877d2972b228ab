import { defineCommand, type CommandDef } from "citty";

import { adviceOnAlert, type Alert } from "../client/index.ts";
import { connect, jsonArg, orExplain, serverUrl, urlArg } from "./connection.ts";
import { age, print, table } from "./words.ts";

const alertsArgs: { readonly url: typeof urlArg; readonly json: typeof jsonArg } = {
  url: urlArg,
  json: jsonArg,
};

function rowOf({ rule, subject, message, firedAt, clearedAt }: Alert, nowMs: number): string[] {
  const state = clearedAt === null ? "FIRING" : `cleared ${age(clearedAt, nowMs)} ago`;
  return [state, rule, subject === "" ? "-" : subject, age(firedAt, nowMs), message];
}

/** One line for each rule that has fired. */
function adviceOn(found: readonly Alert[]): string {
  const firing = found.filter(({ clearedAt }) => clearedAt === null);
  const lines = new Set(firing.map((alert) => `${alert.rule}: ${adviceOnAlert(alert)}`));
  return lines.size === 0 ? "" : `\n\n${[...lines].join("\n")}`;
}

/** `errand alerts`: what is wrong now, then what was lately. Ends with 1 while something is. */
export const alerts: CommandDef<typeof alertsArgs> = defineCommand({
  meta: { name: "alerts", description: "Show what is wrong now; exit code 1 while something is" },
  args: alertsArgs,
  async run({ args }) {
    await orExplain(serverUrl(args.url), async () => {
      const found = await connect(args.url).queues.alerts();
      if (found.some(({ clearedAt }) => clearedAt === null)) process.exitCode = 1;
      const nowMs = Date.now();
      const text = args.json
        ? found.map((alert) => JSON.stringify(alert)).join("\n")
        : found.length === 0
          ? "Nothing is wrong, and nothing was lately."
          : table([
              ["STATE", "RULE", "ABOUT", "SINCE", "WHAT"],
              ...found.map((alert) => rowOf(alert, nowMs)),
            ]) + adviceOn(found);
      if (text !== "") print(text);
    });
  },
});
