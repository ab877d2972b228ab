import { plantedBugs } from "./planted/index.ts";
import { runSeed } from "./run-seed.ts";
for (const mutant of plantedBugs.filter((m) =>
  ["loss-not-counted", "join-twice", "lane-starts-two"].includes(m.name),
)) {
  const t = performance.now();
  let found = 0;
  const rules: string[] = [];
  let first = 0;
  let n = 0;
  for (let seed = 1; seed <= 500 && found < 3; seed++) {
    n++;
    const r = await runSeed(seed, { mutant });
    if (r.failure) {
      found++;
      if (!first) first = seed;
      rules.push(r.failure.message.slice(0, 110).replaceAll("\n", " "));
    }
  }
  console.log(
    mutant.name.padEnd(26),
    String(first).padStart(4),
    n,
    ((performance.now() - t) / 1000).toFixed(1) + "s",
    rules.join(" | "),
  );
}
