/** Refuses what was meant to be temporary, and what is true of one machine only. */
import { lineAt, parse, visit } from "./syntax.ts";
import { codeBelow, type Problem, type TreeFile } from "./tree.ts";

/** A note to oneself that names no issue, as `TODO(#12)` would. */
const UNTRACKED_NOTE = /\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))/;
/** Folders that exist on one machine, at the start of a path. */
const MACHINE_PATH = /(?:^|[^\w.~/})\]*-])\/(?:work|root)\//;

/** Reports comments with a note that names no issue. */
export function checkNotes(tree: readonly TreeFile[]): Problem[] {
  return codeBelow(tree, "").flatMap((file) =>
    parse(file)
      .comments.filter(({ value }) => UNTRACKED_NOTE.test(value))
      .map(({ start }) => ({
        path: file.path,
        line: lineAt(file, start),
        message: "a note without an issue: write TODO(#number) or do it",
      })),
  );
}

/** Reports `.only(...)`: the tests beside it would silently not run. */
export function checkOnly(tree: readonly TreeFile[]): Problem[] {
  return codeBelow(tree, "").flatMap((file) => {
    const problems: Problem[] = [];
    visit(file, {
      MemberExpression: ({ object, property, start }) => {
        const isTest =
          object.type === "Identifier" && /^(?:describe|it|suite|test)$/.test(object.name);
        if (!isTest || property.type !== "Identifier" || property.name !== "only") return;
        problems.push({ path: file.path, line: lineAt(file, start), message: "leftover .only" });
      },
    });
    return problems;
  });
}

/** Reports absolute paths of the machine a file was written on. */
export function checkMachinePaths(tree: readonly TreeFile[]): Problem[] {
  return tree.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => {
      const message = "absolute path of one machine";
      return MACHINE_PATH.test(line) ? [{ path, line: index + 1, message }] : [];
    }),
  );
}

/** Reports a lock file bound to one registry: `npm ci` would go there instead of to the reader's own. */
export function checkLock(tree: readonly TreeFile[]): Problem[] {
  return tree.flatMap(({ path, text }) => {
    if (path !== "package-lock.json" || !text.includes('"resolved": "http')) return [];
    return [{ path, message: "names a registry: install with omit-lockfile-registry-resolved" }];
  });
}
