import type { EndpointConfig } from "../hosts/embedded/config.ts";
import type { Speed } from "./endpoint-speed.ts";
import type { Measured } from "./measure-endpoint.ts";
import { table } from "./words.ts";

/** What `errand bench` proposes of an endpoint's settings: never a key. */
export type ProposedSettings = Required<
  Pick<
    EndpointConfig,
    "name" | "baseUrl" | "slots" | "promptTokensPerSecond" | "decodeTokensPerSecond" | "resumes"
  >
>;

/** The settings that fit what was measured, for the `endpoints` of errand.config.ts; speeds in whole tokens. */
export function proposedSettings(baseUrl: string, measured: Measured): ProposedSettings {
  return {
    name: "local",
    baseUrl,
    slots: measured.slots.useful,
    promptTokensPerSecond: Math.round(measured.prompt.tokensPerSecond),
    decodeTokensPerSecond: Math.round(measured.decode.tokensPerSecond),
    resumes: measured.resumes,
  };
}

/** The table and the settings, ready to paste. `hasKey`: the settings take it from `ERRAND_MODEL_API_KEY`. */
export function reportText(
  model: string,
  measured: Measured,
  settings: ProposedSettings,
  hasKey: boolean,
): string {
  const { slots, resumes } = measured;
  const rows = [
    ["MODEL", model],
    [
      "FIRST CALL",
      `${seconds(measured.firstCallMs)}, of which loading ${seconds(measured.loadMs)}`,
    ],
    ["PROMPT", speedWords(measured.prompt)],
    ["DECODE", speedWords(measured.decode)],
    ...slots.levels.map(({ calls, tokensPerSecond }) => [
      `${calls} AT ONCE`,
      `${Math.round(tokensPerSecond)} tokens/s together`,
    ]),
    ["SLOTS", `${slots.useful}${slots.refusal === null ? "" : `; more: ${slots.refusal}`}`],
    ["RESUMES", resumes ?? "no: a partial answer is begun anew"],
  ];
  return `${table(rows)}\n\nFor errand.config.ts:\n\n${configText(settings, hasKey)}`;
}

function configText(settings: ProposedSettings, hasKey: boolean): string {
  const fields = Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value)]);
  if (hasKey) fields.splice(2, 0, ["apiKey", 'process.env["ERRAND_MODEL_API_KEY"] ?? ""']);
  const lines = fields.map(([name, value]) => `      ${name}: ${value},\n`);
  return `  endpoints: [\n    {\n${lines.join("")}    },\n  ],\n`;
}

function speedWords({ tokensPerSecond, atLeast }: Speed): string {
  return `${atLeast ? "at least " : ""}${Math.round(tokensPerSecond)} tokens/s`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
