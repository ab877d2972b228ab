import type { Operation } from "../operation.ts";
import { chatCompletionRoute } from "./chat-routes.ts";
import { embeddingRoute } from "./embedding-routes.ts";
import { modelRoutes } from "./model-routes.ts";
import { responseRoutes } from "./response-routes.ts";

/** The OpenAI door: what is below `/v1`. A projection of tasks; it keeps nothing but a list of models for a moment. */
export function openaiRoutes(): readonly Operation[] {
  return [...modelRoutes(), chatCompletionRoute(), ...responseRoutes(), embeddingRoute()];
}

/** True for a path of the OpenAI door: its errors are in OpenAI's shape. */
export function isOpenaiPath(path: string): boolean {
  return path === "/v1" || path.startsWith("/v1/");
}
