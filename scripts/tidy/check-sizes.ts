/** Holds files and functions to the sizes a person can keep in mind. */
import type { CallExpression, Expression, Function, ArrowFunctionExpression } from "oxc-parser";

import { lineAt, visit } from "./syntax.ts";
import { codeBelow, type Problem, type TreeFile } from "./tree.ts";

/** Above this a file has two subjects. Aim at 150. */
export const FILE_LINES_MAX = 400;
/** A function must fit on a screen. */
export const FUNCTION_LINES_MAX = 70;

const MEASURED = ["src/", "test/", "bench/", "scripts/", "examples/"];
const TEST_REGISTRARS = new Set([
  "afterAll",
  "beforeAll",
  "bench",
  "describe",
  "it",
  "suite",
  "test",
]);

type AnyFunction = Function | ArrowFunctionExpression;
type OpenFunction = { readonly node: AnyFunction; registersTests: boolean };

/** Reports files above FILE_LINES_MAX lines. */
export function checkFileLength(tree: readonly TreeFile[]): Problem[] {
  return codeBelow(tree, ...MEASURED).flatMap((file) => {
    const lines = file.text.trimEnd().split("\n").length;
    if (lines <= FILE_LINES_MAX) return [];
    return [{ path: file.path, message: `has ${lines} lines, at most ${FILE_LINES_MAX} allowed` }];
  });
}

/** Reports functions above FUNCTION_LINES_MAX lines. A function that registers tests is a list, not logic. */
export function checkFunctionLength(tree: readonly TreeFile[]): Problem[] {
  return codeBelow(tree, ...MEASURED).flatMap(longFunctions);
}

function longFunctions(file: TreeFile): Problem[] {
  const problems: Problem[] = [];
  const open: OpenFunction[] = [];
  const enter = (node: AnyFunction): void => {
    open.push({ node, registersTests: false });
  };
  const leave = (node: AnyFunction): void => {
    const registersTests = open.pop()?.registersTests;
    const first = lineAt(file, node.start);
    const lines = lineAt(file, node.end) - first + 1;
    if (registersTests || lines <= FUNCTION_LINES_MAX) return;
    const message = `function has ${lines} lines, at most ${FUNCTION_LINES_MAX} allowed`;
    problems.push({ path: file.path, line: first, message });
  };
  visit(file, {
    FunctionDeclaration: enter,
    "FunctionDeclaration:exit": leave,
    FunctionExpression: enter,
    "FunctionExpression:exit": leave,
    ArrowFunctionExpression: enter,
    "ArrowFunctionExpression:exit": leave,
    CallExpression: (call) => {
      const innermost = open.at(-1);
      if (innermost && isRegistration(call)) innermost.registersTests = true;
    },
  });
  return problems;
}

/** `test(...)`, `test.skipIf(...)(...)`, `describe.each(...)(...)` and the like. */
function isRegistration(call: CallExpression): boolean {
  let callee: Expression = call.callee;
  for (;;) {
    if (callee.type === "CallExpression") callee = callee.callee;
    else if (callee.type === "MemberExpression") callee = callee.object;
    else return callee.type === "Identifier" && TEST_REGISTRARS.has(callee.name);
  }
}
