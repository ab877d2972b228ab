/** The AI SDK's types, taken from its one public name so that no other package need be installed. */
import type { EmbeddingModel, LanguageModel } from "ai";

/** A language model of any interface version that AI SDK 7 accepts. */
export type AnySdkModel = Exclude<LanguageModel, string>;
/** A language model of the current interface, v4. */
export type SdkModel = Extract<AnySdkModel, { specificationVersion: "v4" }>;
/** An embedding model of any interface version. */
export type AnySdkEmbeddingModel = Exclude<EmbeddingModel, string>;
/** What `doGenerate` and `doStream` are called with. */
export type SdkCall = Parameters<SdkModel["doStream"]>[0];
/** A prompt as language models get it. */
export type SdkPrompt = SdkCall["prompt"];
/** One message of a prompt. */
export type SdkMessage = SdkPrompt[number];
/** What `doGenerate` answers. */
export type SdkAnswer = Awaited<ReturnType<SdkModel["doGenerate"]>>;
/** Something about a call that a model cannot do. */
export type SdkWarning = SdkAnswer["warnings"][number];
/** What `doStream` answers. */
export type SdkStreamAnswer = Awaited<ReturnType<SdkModel["doStream"]>>;
/** One part of a stream. */
export type SdkStreamPart =
  SdkStreamAnswer["stream"] extends ReadableStream<infer Part> ? Part : never;
