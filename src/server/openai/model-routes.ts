import { z } from "@hono/zod-openapi";

import { json } from "../answer.ts";
import type { ServerContext } from "../context.ts";
import { operation, type Operation } from "../operation.ts";
import type { Catalogue } from "./catalogue.ts";
import { modelListShape, modelShape } from "./shapes.ts";

/** `GET /v1/models` and one of them. */
export function modelRoutes(server: ServerContext, catalogue: Catalogue): readonly Operation[] {
  // Endpoints do not say when a model was made; what is told stays the same while the server runs.
  const created = Math.floor(server.clock.nowMs() / 1_000);
  const modelJson = (id: string, endpoint: string): object => ({
    id,
    object: "model",
    created,
    owned_by: endpoint,
  });
  return [
    operation({
      method: "get",
      path: "/v1/models",
      policy: "user",
      id: "listModels",
      tag: "openai",
      summary: "Models that can be asked",
      answers: { 200: { description: "The models", schema: modelListShape } },
      handle: async () => {
        const offered = await catalogue.list();
        return json({
          object: "list",
          data: offered.map(({ id, endpoint }) => modelJson(id, endpoint)),
        });
      },
    }),
    operation({
      method: "get",
      path: "/v1/models/{model}",
      // An id may hold slashes, whether the client encodes them or not.
      route: "/v1/models/:model{.+}",
      policy: "user",
      id: "getModel",
      tag: "openai",
      summary: "One model",
      params: z.strictObject({ model: z.string() }),
      answers: { 200: { description: "The model", schema: modelShape } },
      handle: async ({ params }) => {
        const { endpoint } = await catalogue.find(params.model);
        return json(modelJson(params.model, endpoint));
      },
    }),
  ];
}
