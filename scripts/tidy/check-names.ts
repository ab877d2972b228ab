/** Refuses names that say nothing: whatever is called a helper has a subject of its own to be named after. */
import { lineAt, visit } from "./syntax.ts";
import { codeBelow, type Problem, type TreeFile } from "./tree.ts";

const BANNED = new Set(["common", "helper", "helpers", "manager", "util", "utils"]);
/** An identifier is named by its last word: `commonPrefix` is a prefix, `taskManager` a manager. */
const LAST_WORD = /(?:[A-Z]?[a-z]+|[A-Z]+)$/;

/** Reports files and folders with such a word in their name. */
export function checkFileNames(tree: readonly TreeFile[]): Problem[] {
  return tree.flatMap(({ path }) => {
    const word = path.split(/[/.-]/).find((part) => BANNED.has(part));
    return word ? [{ path, message: `"${word}" names nothing: name it after its subject` }] : [];
  });
}

/** Reports functions, types and variables that end in such a word. */
export function checkIdentifiers(tree: readonly TreeFile[]): Problem[] {
  return codeBelow(tree, "").flatMap((file) => {
    const problems: Problem[] = [];
    const look = ({ id }: { id?: { type: string; start: number } | null }): void => {
      if (!id || !("name" in id) || typeof id.name !== "string") return;
      const word = LAST_WORD.exec(id.name)?.[0].toLowerCase();
      if (word === undefined || !BANNED.has(word)) return;
      const message = `${id.name}: "${word}" names nothing`;
      problems.push({ path: file.path, line: lineAt(file, id.start), message });
    };
    visit(file, {
      ClassDeclaration: look,
      FunctionDeclaration: look,
      TSInterfaceDeclaration: look,
      TSTypeAliasDeclaration: look,
      VariableDeclarator: look,
    });
    return problems;
  });
}
