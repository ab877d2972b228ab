/** The files that tidy looks at, read once; checks see only this, so that a test can plant any file. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** A text file; `path` is relative to the repository's root and uses forward slashes. */
export type TreeFile = { readonly path: string; readonly text: string };

/** Something to mend. `line` is 1-based and left out when the whole file is meant. */
export type Problem = { readonly path: string; readonly line?: number; readonly message: string };

/** One rule about the repository. It returns every violation it finds and never throws for one. */
export type TidyCheck = (tree: readonly TreeFile[]) => Problem[];

/** One line a problem, as compilers print it. */
export function show({ path, line, message }: Problem): string {
  return `${path}${line === undefined ? "" : `:${line}`}: ${message}`;
}

/** What .gitignore names too: nothing in these folders is ours. */
const IGNORED_FOLDER = /^(?:data|dist)$|(?:^|\/)(?:\.cache|\.git|\.wrangler|node_modules)$/;
const TEXT_FILE =
  /\.(?:c?js|css|html|jsonc?|md|mjs|sh|sql|svg|toml|tsx?|txt|ya?ml)$|\/run$|\/\.\w+rc$/;
const CODE_FILE = /\.tsx?$/;
const TEST_FILE = /\.test\.tsx?$/;

/** Reads every text file below `root`. */
export function readTree(root: string): TreeFile[] {
  const tree: TreeFile[] = [];
  visit(root);
  return tree;

  function visit(folder: string): void {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const name = relative(root, path).split(sep).join("/");
      if (entry.isDirectory() && !IGNORED_FOLDER.test(name)) visit(path);
      if (entry.isFile() && TEXT_FILE.test(`/${name}`)) {
        tree.push({ path: name, text: readFileSync(path, "utf8") });
      }
    }
  }
}

/** TypeScript below the given folders ("src/", "test/", ...). */
export function codeBelow(tree: readonly TreeFile[], ...folders: string[]): TreeFile[] {
  return tree.filter(
    ({ path }) => CODE_FILE.test(path) && folders.some((folder) => path.startsWith(folder)),
  );
}

/** Whether a file holds unit tests of the file beside it, which may import and cast what they like. */
export function isUnitTest(path: string): boolean {
  return TEST_FILE.test(path);
}

/** Whether test names may be found in a file: contract suites under test/ register tests without being test files. */
export function holdsTests(path: string): boolean {
  return isUnitTest(path) || (path.startsWith("test/") && CODE_FILE.test(path));
}
