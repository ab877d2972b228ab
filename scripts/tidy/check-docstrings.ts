/** Every export of src/ says what it promises. */
import type { Comment, ExportNamedDeclaration } from "oxc-parser";

import { lineAt, parse, visit } from "./syntax.ts";
import { codeBelow, isUnitTest, type Problem, type TreeFile } from "./tree.ts";

/** Reports exports without a docstring. The page's components and exports from elsewhere need none. */
export function checkDocstrings(tree: readonly TreeFile[]): Problem[] {
  return codeBelow(tree, "src/")
    .filter(({ path }) => !path.startsWith("src/web/") && !isUnitTest(path))
    .flatMap(exportsWithoutDocstring);
}

function exportsWithoutDocstring(file: TreeFile): Problem[] {
  const { comments } = parse(file);
  const problems: Problem[] = [];
  // The first overload's docstring speaks for those that follow it.
  const documented = new Set<string>();
  const require = (node: { start: number }, name: string): void => {
    if (documented.has(name)) return;
    documented.add(name);
    if (hasDocstring(file, comments, node.start)) return;
    const message = `export ${name} has no docstring`;
    problems.push({ path: file.path, line: lineAt(file, node.start), message });
  };
  visit(file, {
    ExportNamedDeclaration: (node) => {
      for (const name of declaredNames(node)) require(node, name);
    },
    ExportDefaultDeclaration: (node) => require(node, "default"),
  });
  return problems;
}

function declaredNames({ declaration }: ExportNamedDeclaration): string[] {
  if (!declaration) return [];
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.slice(0, 1).map(({ id }) => nameOf(id));
  }
  return "id" in declaration && declaration.id ? [nameOf(declaration.id)] : [];
}

function nameOf(id: { type: string; name?: unknown }): string {
  return typeof id.name === "string" ? id.name : id.type;
}

function hasDocstring(file: TreeFile, comments: readonly Comment[], start: number): boolean {
  const before = comments.findLast(({ end }) => end <= start);
  if (before === undefined || before.type !== "Block" || !before.value.startsWith("*"))
    return false;
  return file.text.slice(before.end, start).trim() === "";
}
