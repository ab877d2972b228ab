import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import type { ServerContext } from "../context.ts";
import { operation, type Operation } from "../operation.ts";
import { pageResponse } from "../response-headers.ts";

/** The page itself. */
export function pageRoute(): Operation {
  return operation({
    method: "get",
    path: "/",
    policy: "public",
    id: "page",
    tag: "operations",
    summary: "The page",
    answers: { 200: { description: "HTML", schema: z.string(), mediaType: "text/html" } },
    errors: ["not_found"],
    async handle(_call, server) {
      const page = await pageFile(server, "/");
      if (page !== null) return page;
      throw new ErrandError(
        "not_found",
        "the page is not built: run npm run build:web. The API is there, /openapi.json describes it",
      );
    },
  });
}

/** A file of the page with the headers that protect it; null if the page has none at this path. */
export async function pageFile({ page }: ServerContext, path: string): Promise<Response | null> {
  const file = (await page?.(path)) ?? null;
  return file === null ? null : pageResponse(file);
}
