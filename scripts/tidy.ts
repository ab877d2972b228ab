/** Checks on the repository itself, as data: `node scripts/tidy.ts`, and a unit test. */
import { checkDocstrings } from "./tidy/check-docstrings.ts";
import { checkImports, checkReferences } from "./tidy/check-layers.ts";
import { checkLock, checkMachinePaths, checkNotes, checkOnly } from "./tidy/check-leftovers.ts";
import { checkFileNames, checkIdentifiers } from "./tidy/check-names.ts";
import { checkFileLength, checkFunctionLength } from "./tidy/check-sizes.ts";
import { checkSpec } from "./tidy/check-spec.ts";
import { ROOT } from "./child-process.ts";
import { codeBelow, readTree, show, type TidyCheck, type TreeFile } from "./tidy/tree.ts";

/** Every check by the name that its failure is shown under. */
export const CHECKS: Readonly<Record<string, TidyCheck>> = {
  "imports follow the layer table": checkImports,
  "project references follow the layer table": checkReferences,
  "files are short": checkFileLength,
  "functions are short": checkFunctionLength,
  "rules and tests cite each other": checkSpec,
  "exports have docstrings": checkDocstrings,
  "file names say something": checkFileNames,
  "identifiers say something": checkIdentifiers,
  "notes name an issue": checkNotes,
  "no test is left on .only": checkOnly,
  "no path of one machine": checkMachinePaths,
  "the lock names no registry": checkLock,
};

/** A checker that looks at nothing finds nothing: fewer code files than this means the tree was read wrongly. */
export const CODE_FILES_MIN = 40;

/** The repository's files; throws when there are too few of them to be true. */
export function readRepository(root: string = ROOT): TreeFile[] {
  const tree = readTree(root);
  const found = codeBelow(tree, "").length;
  if (found < CODE_FILES_MIN) {
    throw new Error(`tidy saw ${found} code files, expected at least ${CODE_FILES_MIN}`);
  }
  return tree;
}

function main(): void {
  const tree = readRepository();
  const problems = Object.values(CHECKS).flatMap((check) => check(tree));
  for (const problem of problems) console.log(show(problem));
  console.log(`tidy: ${tree.length} files, ${problems.length} problems`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

if (import.meta.main) main();
