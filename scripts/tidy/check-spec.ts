/** Ties SPEC.md to the tests: every rule has a test that cites it, every citation a rule. */
import { lineAt, visit } from "./syntax.ts";
import { codeBelow, holdsTests, type Problem, type TreeFile } from "./tree.ts";

type Rule = { readonly line: number; readonly planned: boolean };
type Citation = { readonly id: string; readonly path: string; readonly line: number };

const SPEC = "SPEC.md";
/** `- **TASK3** text`, with `(planned)` for a rule that no code keeps yet. */
const RULE = /^- \*\*([A-Z]+\d+)\*\*/;
/** `[TASK3] ...` or `[TASK3,TASK4] ...` at the start of a test's name. */
const CITATION = /^\[([A-Z]+\d+(?:, ?[A-Z]+\d+)*)\]/;

/** Reports rules defined twice, rules without a test, and citations of no rule. No SPEC.md is no violation. */
export function checkSpec(tree: readonly TreeFile[]): Problem[] {
  const spec = tree.find((file) => file.path === SPEC);
  if (spec === undefined) return [];
  const rules = new Map<string, Rule>();
  const problems: Problem[] = [];
  for (const [index, text] of spec.text.split("\n").entries()) {
    const id = RULE.exec(text)?.[1];
    if (id === undefined) continue;
    const line = index + 1;
    if (rules.has(id)) problems.push({ path: SPEC, line, message: `${id} is defined twice` });
    rules.set(id, { line, planned: text.includes("(planned)") });
  }
  const citations = codeBelow(tree, "")
    .filter((file) => holdsTests(file.path))
    .flatMap(citationsIn);
  for (const { id, path, line } of citations) {
    if (!rules.has(id)) problems.push({ path, line, message: `cites ${id}, no rule of ${SPEC}` });
  }
  const cited = new Set(citations.map(({ id }) => id));
  for (const [id, { line, planned }] of rules) {
    if (cited.has(id) || planned) continue;
    problems.push({ path: SPEC, line, message: `no test cites ${id}: write one or say (planned)` });
  }
  return problems;
}

function citationsIn(file: TreeFile): Citation[] {
  const citations: Citation[] = [];
  const cite = (text: unknown, offset: number): void => {
    const ids = typeof text === "string" ? CITATION.exec(text)?.[1] : undefined;
    for (const id of ids?.split(",") ?? []) {
      citations.push({ id: id.trim(), path: file.path, line: lineAt(file, offset) });
    }
  };
  visit(file, {
    Literal: ({ value, start }) => cite(value, start),
    TemplateElement: ({ value, start }) => cite(value.cooked, start),
  });
  return citations;
}
