/** Holds imports and project references to the layer table. */
import { posix } from "node:path";

import { type Layer, LAYERS } from "./layers.ts";
import { lineAt, parse, visit } from "./syntax.ts";
import { codeBelow, isUnitTest, type Problem, type TreeFile } from "./tree.ts";

type Import = { readonly specifier: string; readonly offset: number };

/** Reports each import that the table does not allow, by name and edge. Unit tests may import anything. */
export function checkImports(tree: readonly TreeFile[]): Problem[] {
  const problems: Problem[] = [];
  for (const file of codeBelow(tree, "src/")) {
    if (isUnitTest(file.path) || file.path.endsWith(".d.ts")) continue;
    const layer = layerOf(file.path);
    if (layer === undefined) {
      problems.push({ path: file.path, message: "belongs to no layer: add it to layers.ts" });
      continue;
    }
    for (const { specifier, offset } of importsOf(file)) {
      if (mayImport(layer, file.path, specifier)) continue;
      const message = `${layer.folder} may not import ${specifier}`;
      problems.push({ path: file.path, line: lineAt(file, offset), message });
    }
  }
  return problems;
}

/** Reports a layer whose tsconfig.json refers to more or fewer projects than the table allows. */
export function checkReferences(tree: readonly TreeFile[]): Problem[] {
  return LAYERS.flatMap((layer) => {
    const path = `${layer.folder}/tsconfig.json`;
    const config = tree.find((file) => file.path === path);
    if (config === undefined) return [];
    const wanted = layer.layers.map((name) => name.replace("/index.ts", ""));
    const found = referencesOf(config);
    if (wanted.toSorted().join() === found.toSorted().join()) return [];
    return [{ path, message: `references must be ${wanted.join(", ")} as in layers.ts` }];
  });
}

/** The row of the innermost folder. Only named files stand in src/ itself, so that a new folder needs its row. */
function layerOf(path: string): Layer | undefined {
  const found = LAYERS.filter(({ folder }) => path.startsWith(`${folder}/`));
  const layer = found.toSorted((a, b) => b.folder.length - a.folder.length)[0];
  const known = layer?.folder !== "src" || /^src\/(?:[^/]+|cli\/.+)$/.test(path);
  return known ? layer : undefined;
}

function mayImport(layer: Layer, from: string, specifier: string): boolean {
  if (!specifier.startsWith(".")) {
    return layer.packages.some((name) =>
      name === "node:"
        ? specifier.startsWith(name)
        : specifier === name || specifier.startsWith(`${name}/`),
    );
  }
  const target = posix.join(posix.dirname(from), specifier);
  if (layerOf(target) === layer) return true;
  return layer.layers.some((name) => target === name || target.startsWith(`${name}/`));
}

/** Static, dynamic and type imports, and exports from elsewhere. */
function importsOf(file: TreeFile): Import[] {
  const { module } = parse(file);
  const requests = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest ?? []),
    ),
  ];
  const imports = requests.map(({ value, start }) => ({ specifier: value, offset: start }));
  const add = (specifier: unknown, offset: number): void => {
    if (typeof specifier === "string") imports.push({ specifier, offset });
  };
  visit(file, {
    ImportExpression: ({ source }) => {
      if (source.type === "Literal") add(source.value, source.start);
    },
    TSImportType: ({ source }) => add(source.value, source.start),
  });
  return imports;
}

function referencesOf(config: TreeFile): string[] {
  const { references = [] }: { references?: { path: string }[] } = JSON.parse(config.text);
  return references.map(({ path }) => posix.join(posix.dirname(config.path), path));
}
