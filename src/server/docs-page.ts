import { exampleBodies } from "./examples.ts";
import type { Operation } from "./operation.ts";
import { codesOf, statusAt } from "./openapi.ts";

const style = `:root{color-scheme:light dark;--line:light-dark(#ddd,#444);--quiet:light-dark(#555,#aaa);--accent:light-dark(#1b5e4b,#7fd0b0)}
body{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem}h2{margin:2.5rem 0 .5rem;font-size:1.2rem;text-transform:capitalize}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem}a{color:var(--accent)}nav a{padding:.6rem 0}
details{border-top:1px solid var(--line)}summary{display:flex;flex-wrap:wrap;gap:.25rem .75rem;padding:.7rem 0;cursor:pointer}
summary b{min-width:3.5rem;color:var(--accent);font:600 .85rem/1.75 ui-monospace,monospace;text-transform:uppercase}
summary code{font-weight:600}summary span,.quiet{color:var(--quiet)}
pre{overflow-x:auto;padding:.75rem;border:1px solid var(--line);border-radius:.5rem;font-size:.85rem}
table{border-collapse:collapse;font-size:.9rem}td{padding:.2rem 1rem .2rem 0;vertical-align:top}.inside{padding:0 0 1rem}`;

/** Headers of the page: it may show its own style, known by its hash, and nothing else. */
async function headersOf(): Promise<Readonly<Record<string, string>>> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    "content-security-policy": `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  };
}

/** `/docs`: every operation on one page, from the same operations as `/openapi.json`. It needs no script. */
export async function docsPage(
  operations: readonly Operation[],
  version: string,
): Promise<Response> {
  const tags = [...new Set(operations.map(({ tag }) => tag))];
  const sections = tags.map((tag) => {
    const own = operations.filter((operation) => operation.tag === tag);
    return `<section><h2 id="${tag}">${tag}</h2>${own.map(operationHtml).join("")}</section>`;
  });
  const links = tags.map((tag) => `<a href="#${tag}">${tag}</a>`).join("");
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Errand: the API</title><style>${style}</style></head><body><main><h1>Errand ${text(version)}: the API</h1><p>Errors are problem+json with a <code>code</code>. A server without keys needs no authorization; with keys send <code>Authorization: Bearer KEY</code>. For machines: <a href="openapi.json">openapi.json</a>, <a href="asyncapi.json">asyncapi.json</a>. <a href="./">The page</a>.</p><nav aria-label="Groups">${links}</nav>${sections.join("")}</main></body></html>`;
  return new Response(html, { headers: await headersOf() });
}

const policyWords = {
  public: "Anybody may use it.",
  user: "Needs a key where keys are on.",
  admin: "Needs the admin's key where keys are on.",
} as const;

function operationHtml(operation: Operation): string {
  const { method, path, id, summary, description = "", policy } = operation;
  const answers = [
    ...Object.entries(operation.answers).map(([status, answer]) => [status, answer.description]),
    ...codesOf(operation).map((code) => [String(statusAt(path, code)), code]),
  ];
  const rows = answers.map(([status = "", words = ""]) => {
    return `<tr><td>${text(status)}</td><td>${text(words)}</td></tr>`;
  });
  return `<details id="${text(id)}"><summary><b>${method}</b><code>${text(path)}</code><span>${text(summary)}</span></summary><div class="inside">${description === "" ? "" : `<p>${text(description)}</p>`}<p class="quiet">${policyWords[policy]}</p><pre tabindex="0"><code>${text(curlOf(operation))}</code></pre><table>${rows.join("")}</table></div></details>`;
}

/** The call as one line for a shell. */
function curlOf({ method, path, id }: Operation): string {
  const body = exampleBodies[id];
  const verb =
    method === "get" || (method === "post" && body !== undefined)
      ? ""
      : ` -X ${method.toUpperCase()}`;
  const sent =
    body === undefined
      ? ""
      : ` \\\n  -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  return `curl -s${verb} "$ERRAND_URL${path}"${sent}`;
}

function text(words: string): string {
  return words
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
