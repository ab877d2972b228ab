import { expect, test, vi } from "vitest";

import { plainCipher } from "../../src/adapters/aes-cipher/plain-cipher.ts";
import { ok } from "../../src/core/decider.ts";
import { ErrandError } from "../../src/core/errors.ts";
import type { Scope } from "../../src/core/scope.ts";
import { DamagedDataKey, type Cipher } from "../../src/ports/cipher.ts";
import { listenTo } from "./kernel-bench.ts";
import type { WithBench } from "./kernel-groups.contract.ts";
import { append, bytes, group, refused } from "./store-groups.ts";
import { noting, tallies, type Tally, type TallyCommand } from "./tally.ts";

const a: Scope = "task/a";
const b: Scope = "user/b";
const full = new ErrandError("storage_full", "the disk is full");

/** A conflict as another writer would cause it. */
const conflict = refused({ conflicts: [a] });

/** What the kernel does when deciders, storage or other writers go wrong. */
export function kernelFaultContract(withBench: WithBench): void {
  test("[KERNEL5] nothing leaves before its commit was true", () =>
    withBench(async ({ bench }) => {
      const heard = listenTo(bench);
      const stream = await bench.kernel.openStream("a", "a/1", "ann", 1);
      bench.fate = () => {
        expect(heard).toEqual([]);
        return full;
      };
      const shown = bench.kernel.append(stream, [{ t: "text", d: "never shown" }]);
      const signals = [{ kind: "go" }];
      await expect(bench.kernel.dispatch(a, noting("one", { signals }))).rejects.toBe(full);
      await expect(shown).rejects.toBe(full);
      expect(heard).toEqual([]);
      expect(await bench.kernel.readStream("a/1", 0)).toEqual([]);
    }));

  test("[KERNEL6] a command that breaks its decider is answered `internal`, its neighbours succeed", () =>
    withBench(async ({ bench }) => {
      const results = await Promise.allSettled([
        bench.kernel.ask(a, noting("one")),
        bench.kernel.ask(a, { do: "throw" }),
        bench.kernel.ask(b, { do: "throwInEvolve" }),
        bench.kernel.ask(a, noting("two")),
        bench.kernel.ask(b, noting("three")),
      ]);
      expect(results.map(({ status }) => status)).toEqual([
        "fulfilled",
        "rejected",
        "rejected",
        "fulfilled",
        "fulfilled",
      ]);
      expect(results[1]).toMatchObject({ reason: { code: "internal" } });
      expect([await bench.notes(a), await bench.notes(b)]).toEqual([["one", "two"], ["three"]]);
      expect([bench.errors, bench.fatal]).toEqual([["a decider threw", "a decider threw"], []]);
    }));

  test("[KERNEL6] a message that breaks its receiver is answered to the command it came from", () =>
    withBench(async ({ bench }) => {
      const messages = [{ to: b, body: { do: "throw" } as const }];
      const results = await Promise.allSettled([
        bench.kernel.ask(b, noting("before")),
        bench.kernel.ask(a, noting("poison", { messages })),
        bench.kernel.ask(b, noting("after")),
      ]);
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect([await bench.notes(a), await bench.notes(b)]).toEqual([[], ["before", "after"]]);
    }));

  test("[KERNEL6] a command whose facts are not JSON is answered `internal`, its neighbours succeed", () =>
    withBench(async ({ bench }) => {
      const notJson: TallyCommand = { do: "note", text: Object(1n) };
      const results = await Promise.allSettled([
        bench.kernel.ask(a, noting("one")),
        bench.kernel.ask(a, notJson),
        bench.kernel.ask(a, noting("two")),
        bench.kernel.ask(b, notJson),
      ]);
      expect(results.map(({ status }) => status)).toEqual([
        "fulfilled",
        "rejected",
        "fulfilled",
        "rejected",
      ]);
      expect(results[1]).toMatchObject({ reason: { code: "internal" } });
      expect([await bench.notes(a), await bench.notes(b)]).toEqual([["one", "two"], []]);
      expect(bench.fatal).toEqual([]);
    }));

  test("[KERNEL6] a data key that does not open fails its user's commands, and nobody else's", () =>
    withBench(
      async ({ bench }) => {
        const [mine, theirs, again, other] = await Promise.allSettled([
          bench.kernel.ask(a, noting("one")),
          bench.kernel.ask("task/bob", noting("two")),
          bench.kernel.ask("session/bob/main", noting("three")),
          bench.kernel.ask(b, noting("four")),
        ]);
        const broken = { status: "rejected", reason: { code: "internal" } };
        expect([theirs, again]).toMatchObject([broken, broken]);
        expect([mine, other].map((one) => one?.status)).toEqual(["fulfilled", "fulfilled"]);
        expect([await bench.notes(a), await bench.notes(b)]).toEqual([["one"], ["four"]]);
        expect(await bench.notes("task/bob")).toEqual([]);
        expect(bench.fatal).toEqual([]);
      },
      { cipher: damagedFor("bob"), deciders: ownedByName },
    ));

  test("[KERNEL8] after a conflict the group is decided again on what is stored", () =>
    withBench(async ({ bench, reopen }) => {
      await bench.kernel.dispatch(a, noting("mine"));
      let conflicts = 2;
      bench.fate = () => (conflicts-- > 0 ? conflict : undefined);
      expect(await bench.kernel.ask(a, noting("again"))).toBe(2);
      expect([bench.commits, await bench.notes(a)]).toEqual([4, ["mine", "again"]]);
      expect(await (await reopen()).notes(a)).toEqual(["mine", "again"]);
    }));

  test("[KERNEL8] another writer's facts are in the state that a command is decided on", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.dispatch(a, noting("mine"));
      const theirs = JSON.stringify({ v: 1, e: [{ type: "noted", text: "theirs" }] });
      const row = { ...append(a, 2), body: plainRow(theirs) };
      expect(await bench.store.commit(group({ appends: [row] }))).toEqual({ ok: true });
      expect(await bench.kernel.ask(a, noting("after"))).toBe(3);
      expect(await bench.notes(a)).toEqual(["mine", "theirs", "after"]);
    }));

  test("[KERNEL28] a scope that is said to be new is not read, and what is stored of it counts all the same", () =>
    withBench(async ({ bench, reopen }) => {
      const isNew = true;
      const load = vi.spyOn(bench.store, "load").mockImplementation(() => {
        throw new Error("nothing is to be read");
      });
      expect((await bench.kernel.dispatch(a, noting("one"), { isNew })).reply).toEqual(ok(1));
      load.mockRestore();
      const again = await reopen();
      const said = await Promise.all([
        again.kernel.dispatch(a, noting("two"), { isNew }),
        again.kernel.dispatch(b, noting("fresh"), { isNew }),
      ]);
      expect(said.map(({ reply }) => reply)).toEqual([ok(2), ok(1)]);
      expect([await again.notes(a), await again.notes(b)]).toEqual([["one", "two"], ["fresh"]]);
      expect([bench.fatal, again.fatal]).toEqual([[], []]);
    }));

  test("[KERNEL8] a group that another writer beats again and again is given up", () =>
    withBench(async ({ bench }) => {
      bench.fate = () => conflict;
      await expect(bench.kernel.dispatch(a, noting("one"))).rejects.toMatchObject({
        code: "unavailable",
        retryAfterMs: 1_000,
      });
      // Poison in the same group does not make the rounds endless.
      const poison = Array.from({ length: 9 }, () => bench.kernel.dispatch(a, { do: "throw" }));
      const asked = bench.kernel.dispatch(a, noting("two"));
      const results = await Promise.allSettled([...poison, asked]);
      expect(results.every(({ status }) => status === "rejected")).toBe(true);
      bench.fate = () => undefined;
      expect(await bench.kernel.ask(a, noting("three"))).toBe(1);
      expect(bench.fatal).toEqual([]);
    }));

  test("[KERNEL11] a full disk refuses the whole group, and it heals when there is room", () =>
    withBench(async ({ bench, reopen }) => {
      await bench.kernel.dispatch(a, noting("before"));
      bench.fate = () => full;
      const results = await Promise.allSettled([
        bench.kernel.dispatch(a, noting("lost")),
        bench.kernel.dispatch(b, noting("lost too")),
      ]);
      expect(results).toMatchObject([{ reason: full }, { reason: full }]);
      expect(await bench.notes(a)).toEqual(["before"]);
      bench.fate = () => undefined;
      expect(await bench.kernel.ask(a, noting("after"))).toBe(2);
      expect([await bench.notes(b), bench.fatal]).toEqual([[], []]);
      expect(await (await reopen()).notes(a)).toEqual(["before", "after"]);
    }));

  test("[KERNEL11] a storage error that nobody knows ends the process", () =>
    withBench(async ({ bench }) => {
      const broken = new Error("fsync failed");
      bench.fate = () => broken;
      await expect(bench.kernel.dispatch(a, noting("one"))).rejects.toMatchObject({
        code: "internal",
      });
      expect(bench.fatal).toEqual([broken]);
    }));

  test("[KERNEL10] a log row of a newer version is refused, and other scopes go on", () =>
    withBench(async ({ bench }) => {
      const newer = { ...append(a, 1), body: plainRow(JSON.stringify({ v: 2, e: [{}] })) };
      await bench.store.commit(group({ appends: [newer] }));
      const results = await Promise.allSettled([
        bench.kernel.ask(a, noting("one")),
        bench.kernel.ask(b, noting("two")),
      ]);
      expect(results).toMatchObject([
        { reason: { code: "internal" } },
        { status: "fulfilled", value: 1 },
      ]);
      await expect(bench.notes(a)).rejects.toThrow("version 2, this program reads up to 1");
      expect(bench.fatal).toEqual([]);
    }));

  test.each([
    ["no frame", '{"hello":1}'],
    ["no JSON", "hello"],
  ])("[KERNEL10] a log row that is %s is refused", (_, text) =>
    withBench(async ({ bench }) => {
      const appends = [{ ...append(a, 1), body: plainRow(text) }];
      await bench.store.commit(group({ appends }));
      await expect(bench.notes(a)).rejects.toMatchObject({ code: "internal" });
      await expect(bench.kernel.ask(a, noting("x"))).rejects.toMatchObject({ code: "internal" });
    }),
  );

  test("[KERNEL10] a gap in a log is found when it is read", () =>
    withBench(async ({ bench }) => {
      // One row says it holds two facts and has one: the next row's number leaves a gap.
      const one = JSON.stringify({ v: 1, e: [{ type: "noted", text: "one" }] });
      await bench.store.commit(
        group({
          appends: [
            { ...append(a, 1, 2), body: plainRow(one) },
            { ...append(a, 3), body: plainRow(one) },
          ],
        }),
      );
      await expect(bench.notes(a)).rejects.toThrow("gap: 3 follows 1");
    }));

  test("[KERNEL19] a stop ends also when the disk is full, and every command is answered", () =>
    withBench(async ({ bench }) => {
      bench.fate = () => full;
      const asked = Array.from({ length: 600 }, () => bench.kernel.dispatch(a, noting("x")));
      const results = Promise.allSettled(asked);
      await bench.kernel.stop();
      expect((await results).every(({ status }) => status === "rejected")).toBe(true);
    }));

  test("[KERNEL22] a reader never sees what is not committed yet", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.dispatch(a, noting("one"));
      const peeked: unknown[] = [];
      bench.fate = () => {
        peeked.push(bench.kernel.peek(a));
        return full;
      };
      const asked = bench.kernel.dispatch(a, noting("never"));
      const seen: (readonly string[])[] = [];
      const reading = (async () => {
        for (let look = 0; look < 6; look += 1) seen.push(await bench.notes(a));
      })();
      await expect(asked).rejects.toBe(full);
      await reading;
      expect(seen).toEqual(seen.map(() => ["one"]));
      expect(peeked).toEqual([undefined]);
    }));
}

/** Scopes with `bob` in their name are his, the others are ann's. */
const ownedByName = new Map(
  [...tallies].map(([kind, decider]) => [
    kind,
    {
      ...decider,
      owner: (state: unknown) => ((state as Tally).name.includes("bob") ? "bob" : "ann"),
    },
  ]),
);

/** A cipher whose key for `user` does not open. */
function damagedFor(user: string): Cipher {
  return {
    ...plainCipher,
    prepare(users) {
      if (users.includes(user)) throw new DamagedDataKey(`the key of ${user} is damaged`, null);
      return undefined;
    },
  };
}

/** A row as the plain cipher writes it. */
function plainRow(text: string): Uint8Array {
  return bytes(`\0${text}`);
}
