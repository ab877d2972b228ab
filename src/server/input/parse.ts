import type { z } from "@hono/zod-openapi";

import { ErrandError, type FieldError } from "../../core/errors.ts";
import { issueWords } from "./issue-words.ts";

/** Wrong fields named in one answer; more do not help anybody. */
const fieldsMax = 20;
/** Characters of a field's name that are repeated in an answer. */
const fieldCharsMax = 100;

/** Parses data from outside. Throws `invalid_request` that names each wrong field. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value, { error: issueWords });
  if (result.success) return result.data;
  const fields = result.error.issues.flatMap(fieldErrors).slice(0, fieldsMax);
  const [first] = fields;
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : "";
  const said =
    first === undefined
      ? "has another shape"
      : first.field === ""
        ? first.message
        : `${first.field}: ${first.message}`;
  throw new ErrandError("invalid_request", `${what} is not valid: ${said}${more}`, { fields });
}

type Issue = z.core.$ZodIssue;

function fieldErrors(issue: Issue): FieldError[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      field: nameOf([...issue.path, key]),
      message: "is not a field of this request",
    }));
  }
  const inner = issue.code === "invalid_union" ? meantBranch(issue.errors) : undefined;
  // What one branch says of a field inside says more than that none of them fits.
  if (inner !== undefined)
    return inner.flatMap((one) => fieldErrors({ ...one, path: [...issue.path, ...one.path] }));
  return [{ field: nameOf(issue.path), message: issue.message.slice(0, 300) }];
}

/** The branch of a union that was meant: the only one that has no fault with the value as a whole. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const meant = branches.filter((issues) => issues.every(({ path }) => path.length > 0));
  return meant.length === 1 ? meant[0] : undefined;
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.map(String).join(".").slice(0, fieldCharsMax);
}

/** Query parameters as an object without a prototype's fields. Throws `invalid_request` for one that is given twice. */
export function queryOf(url: URL): Readonly<Record<string, string>> {
  const query = new Map<string, string>();
  for (const [name, value] of url.searchParams.entries()) {
    if (query.has(name)) {
      const field = name.slice(0, fieldCharsMax);
      throw new ErrandError("invalid_request", `the query parameter "${field}" is given twice`, {
        fields: [{ field, message: "is given twice" }],
      });
    }
    query.set(name, value);
  }
  return Object.fromEntries(query);
}
