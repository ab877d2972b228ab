/** Task types of a team that shares one LM Studio: training with checkpoints, and a nightly update of norms. */
import { appendFileSync } from "node:fs";

import { z } from "zod";

import { defineTask, type AnyTaskType } from "../../src/index.ts";

const trainInput = z.strictObject({
  dataset: z.string().min(1).max(200),
  epochs: z.int().min(1).max(64).default(3),
  batches: z.int().min(1).max(1_000).default(20),
  /** How long the pretended training of one batch takes. */
  batchMs: z.int().min(0).max(60_000).default(250),
});

type TrainInput = z.infer<typeof trainInput>;

interface Batch extends TrainInput {
  readonly epoch: number;
  readonly batch: number;
}

/** One batch on the GPU. A stand-in: put the call of your trainer here; `key` is the same if it has to run again. */
async function trainBatch({ epoch, batch, batches, batchMs }: Batch, signal: AbortSignal) {
  const beganAtMs = performance.timeOrigin + performance.now();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, batchMs);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
  const trace = process.env["TRAIN_TRACE"];
  if (trace !== undefined) {
    const endedAtMs = performance.timeOrigin + performance.now();
    appendFileSync(trace, `${JSON.stringify({ epoch, batch, beganAtMs, endedAtMs })}\n`);
  }
  return 1 / (1 + (epoch - 1) * batches + batch);
}

/** One epoch: it holds the device until it ends, so chat waits for one epoch at most. Each batch is a checkpoint. */
const trainEpoch = defineTask<TrainInput & { readonly epoch: number }, { readonly loss: number }>(
  "train_epoch",
  { queue: "model:gpu0", priority: "background", timeoutMs: 3_600_000, internal: true },
  async (input, ctx) => {
    const { epoch, batches } = input;
    let loss = 1;
    for (let batch = 1; batch <= batches; batch += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other is what training is
      loss = await ctx.step(`batch-${batch}`, ({ signal }) =>
        trainBatch({ ...input, batch }, signal),
      );
      const message = `epoch ${epoch}, loss ${loss.toFixed(4)}`;
      // oxlint-disable-next-line no-await-in-loop -- as above
      await ctx.progress({ done: batch, total: batches, message });
    }
    return { loss };
  },
);

/** A training: its epochs one after the other. It holds no slot itself. */
const train = defineTask<TrainInput, { readonly losses: readonly number[] }>(
  "train",
  { priority: "background", input: trainInput },
  async (input, ctx) => {
    const { dataset, epochs } = input;
    const losses: number[] = [];
    for (let epoch = 1; epoch <= epochs; epoch += 1) {
      const message = `${dataset}: epoch ${epoch} of ${epochs}`;
      // oxlint-disable-next-line no-await-in-loop -- one after the other is what training is
      await ctx.progress({ done: epoch - 1, total: epochs, message });
      // oxlint-disable-next-line no-await-in-loop -- as above
      const child = await ctx.spawn<{ loss: number }>(
        "train_epoch",
        { ...input, epoch },
        { name: `epoch-${epoch}` },
      );
      // oxlint-disable-next-line no-await-in-loop -- as above
      losses.push((await child.result()).loss);
    }
    await ctx.progress({ done: epochs, total: epochs, message: `${dataset}: done` });
    return { losses };
  },
);

/** The norms of the day, written by the model when it has time. A schedule submits it every night. */
const normsUpdate = defineTask<unknown, { readonly text: string }>(
  "norms_update",
  { priority: "batch" },
  async (_input, ctx) => {
    const content = "Write the norms of our team for today in three short lines.";
    const { text } = await ctx.generate("chat", { messages: [{ role: "user", content }] });
    return { text };
  },
);

/** Everything this team runs. */
export const teamTasks: readonly AnyTaskType[] = [train, trainEpoch, normsUpdate];
