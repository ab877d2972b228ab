import type { Models } from "../../ports/models.ts";

/** Stands for the first chat model an endpoint offers when it is called. */
export const anyModel = "auto";

/** Models where {@link anyModel} is whatever chat model the endpoint offers at that moment. */
export function firstModel(models: Models): Models {
  async function firstOffered(options: Parameters<Models["list"]>[0]): Promise<string> {
    const offered = await models.list(options);
    return offered.find((id) => !/embed/i.test(id)) ?? anyModel;
  }
  async function* streamFirst(...[call, options]: Parameters<Models["stream"]>) {
    yield* models.stream({ ...call, model: await firstOffered(options) }, options);
  }
  return {
    ...models,
    probe: async (model, options) =>
      (await models.probe?.(model === anyModel ? await firstOffered(options) : model, options)) ??
      null,
    stream: (call, options) =>
      call.model === anyModel ? streamFirst(call, options) : models.stream(call, options),
  };
}
