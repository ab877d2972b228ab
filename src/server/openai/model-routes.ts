import { z } from "@hono/zod-openapi";

import { json } from "../answer.ts";
import type { ServerContext } from "../context.ts";
import { operation, type Operation } from "../operation.ts";
import { modelListShape, modelShape } from "./shapes.ts";

/** Endpoints do not say when a model was made; what is told stays the same while the server runs. */
function modelJson({ madeAtMs }: ServerContext, id: string, endpoint: string): object {
  return { id, object: "model", created: Math.floor(madeAtMs / 1_000), owned_by: endpoint };
}

/** `GET /v1/models` and one of them. */
export function modelRoutes(): readonly Operation[] {
  return [
    operation({
      method: "get",
      path: "/v1/models",
      policy: "user",
      id: "listModels",
      tag: "openai",
      summary: "Models that can be asked",
      answers: { 200: { description: "The models", schema: modelListShape } },
      handle: async (_call, server) => {
        const offered = await server.catalogue.list();
        return json({
          object: "list",
          data: offered.map(({ id, endpoint }) => modelJson(server, id, endpoint)),
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
      handle: async ({ params }, server) => {
        const { endpoint } = await server.catalogue.find(params.model);
        return json(modelJson(server, params.model, endpoint));
      },
    }),
  ];
}
