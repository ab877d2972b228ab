/** Parsed TypeScript, kept per text: most checks want the same trees. */
import {
  type Comment,
  type EcmaScriptModule,
  parseSync,
  type Program,
  Visitor,
  type VisitorObject,
} from "oxc-parser";

import type { TreeFile } from "./tree.ts";

/** A file's syntax tree with what the parser keeps beside it. */
export type Syntax = {
  readonly program: Program;
  readonly comments: readonly Comment[];
  readonly module: EcmaScriptModule;
};

const cache = new WeakMap<TreeFile, Syntax>();

/** Throws on a file that is no TypeScript: the compiler says why. */
export function parse(file: TreeFile): Syntax {
  const known = cache.get(file);
  if (known) return known;
  const { program, comments, module, errors } = parseSync(file.path, file.text);
  if (errors[0]) throw new Error(`${file.path}: ${errors[0].message}`);
  const syntax = { program, comments, module };
  cache.set(file, syntax);
  return syntax;
}

/** Calls the visitor's functions for each node of the file. */
export function visit(file: TreeFile, visitor: VisitorObject): void {
  new Visitor(visitor).visit(parse(file).program);
}

/** The 1-based line of an offset. */
export function lineAt(file: TreeFile, offset: number): number {
  return file.text.slice(0, offset).split("\n").length;
}
