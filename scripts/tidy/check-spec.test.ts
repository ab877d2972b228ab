import { expect, test } from "vitest";

import { checkSpec } from "./check-spec.ts";
import { show, type TreeFile } from "./tree.ts";

const spec = (text: string): TreeFile => ({ path: "SPEC.md", text });
const unit = (name: string): TreeFile => ({
  path: "src/core/a.test.ts",
  text: `test("${name}", go);`,
});
const problems = (...tree: TreeFile[]): string[] => checkSpec(tree).map(show);

test("a rule that a test cites is kept", () => {
  expect(problems(spec("- **TASK3** a rule"), unit("[TASK3] it holds"))).toEqual([]);
});

test("one test may cite several rules", () => {
  const text = "- **TASK3** a rule\n- **TASK4** another";
  expect(problems(spec(text), unit("[TASK3,TASK4] both hold"))).toEqual([]);
});

test("a rule without a test is reported, unless it is planned", () => {
  expect(problems(spec("# Rules\n- **TASK3** a rule\n- **TASK4** later (planned)"))).toEqual([
    "SPEC.md:2: no test cites TASK3: write one or say (planned)",
  ]);
});

test("a citation of no rule is reported", () => {
  expect(problems(spec(""), unit("[TASK9] what is this"))).toEqual([
    "src/core/a.test.ts:1: cites TASK9, no rule of SPEC.md",
  ]);
});

test("a rule defined twice is reported", () => {
  expect(problems(spec("- **A1** x (planned)\n- **A1** y (planned)"))).toEqual([
    "SPEC.md:2: A1 is defined twice",
  ]);
});

test("contract suites cite rules from files that are no test files", () => {
  const contract = { path: "test/contracts/store.ts", text: "test(`[A1] holds ${x}`, go);" };
  expect(problems(spec("- **A1** x"), contract)).toEqual([]);
});

test("without SPEC.md nothing is wrong", () => {
  expect(problems(unit("[TASK3] it holds"))).toEqual([]);
});
