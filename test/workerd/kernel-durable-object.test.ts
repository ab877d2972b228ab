import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

import { createDurableObjectDriver } from "../../src/adapters/durable-object/durable-object-driver.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/sqlite-store.ts";
import { kernelContract } from "../contracts/kernel.contract.ts";

let objects = 0;

kernelContract("Durable Object", async (test) => {
  objects += 1;
  const stub = env.TEST_OBJECT.getByName(`kernel ${objects}`);
  await runInDurableObject(stub, async (_object, state) => {
    const open = () => openSqliteStore(createDurableObjectDriver(state.storage));
    await test({ store: open(), reopen: open });
  });
});
