import { expect, test } from "vitest";

import { openGate, steering } from "../hosts/steered.ts";
import { EdgeClient, until } from "./edge-client.ts";

interface ShownQueue {
  readonly name: string;
  readonly slots: number;
  readonly taken: number;
  readonly pending: number;
}

const local = new EdgeClient();

test("[DEVICE3] at the edge a device is one queue, whose object grants the tasks and models of all homes", async () => {
  const people = [await local.userWithKey("device-ann"), await local.userWithKey("device-bob")];
  const [ann, bob] = people;
  if (ann === undefined || bob === undefined) throw new Error("there are two people");
  const gpu = async (): Promise<ShownQueue | undefined> => {
    const { queues } = await ann.json<{ queues: ShownQueue[] }>("/api/queues");
    return queues.find(({ name }) => name === "device:gpu");
  };
  const training = await ann.submit("device_train", { name: "device gate" });
  await until(gpu, (queue) => queue?.taken === 2);
  // While it holds the whole device nobody's model is asked, in whichever home.
  const asked = await Promise.all(
    people.flatMap((person) =>
      ["large", "large", "small"].map(async (role) => ({
        person,
        id: await person.submit("device_ask", { role }),
      })),
    ),
  );
  await until(gpu, (queue) => queue?.pending === asked.length);
  expect(steering().started).toEqual(["device gate"]);
  expect(steering().most).toBe(0);
  openGate("device gate");
  expect(await ann.ended(training)).toMatchObject({ status: "completed", output: "trained" });
  for (const { person, id } of asked)
    expect(await person.ended(id)).toMatchObject({ output: "one two three" });
  // Two slots are all the device has, whatever its servers could serve.
  expect(steering().most).toBeLessThanOrEqual(2);
  expect(await until(gpu, (queue) => queue?.taken === 0)).toMatchObject({ slots: 2, pending: 0 });
});
