import type { ServerContext } from "../context.ts";
import type { Operation } from "../operation.ts";
import { Catalogue } from "./catalogue.ts";
import { chatCompletionRoute } from "./chat-routes.ts";
import { embeddingRoute } from "./embedding-routes.ts";
import { modelRoutes } from "./model-routes.ts";
import { responseRoutes } from "./response-routes.ts";

/** The OpenAI door: what is below `/v1`. A projection of tasks; it keeps nothing but a list of models for a moment. */
export function openaiRoutes(server: ServerContext): readonly Operation[] {
  const catalogue = new Catalogue(server.engine.roles, server.clock);
  return [
    ...modelRoutes(server, catalogue),
    chatCompletionRoute(server, catalogue),
    ...responseRoutes(server, catalogue),
    embeddingRoute(server, catalogue),
  ];
}

/** True for a path of the OpenAI door: its errors are in OpenAI's shape. */
export function isOpenaiPath(path: string): boolean {
  return path === "/v1" || path.startsWith("/v1/");
}
