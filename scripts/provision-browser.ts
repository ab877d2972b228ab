/** Finds Chromium for the browser tests, or installs it where that needs no question asked. */
import { accessSync, constants } from "node:fs";

import { run } from "./child-process.ts";

/** Where a browser was found, or why there is none. */
export type Browser = { readonly path: string } | { readonly missing: string };

const USUAL_PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** Without a text font Chromium takes digits and spaces from an emoji font. */
const DEBIAN_PACKAGES = ["chromium", "fonts-dejavu-core"];

/** CHROME_PATH wins; a CHROME_PATH that does not run is an error of the caller's, not a reason to look elsewhere. */
export async function provisionBrowser(): Promise<Browser> {
  const wanted = process.env["CHROME_PATH"];
  if (wanted) {
    return isExecutable(wanted)
      ? { path: wanted }
      : { missing: `CHROME_PATH=${wanted} does not run` };
  }
  return usualBrowser() ?? (await installBrowser());
}

function usualBrowser(): Browser | undefined {
  const path = USUAL_PATHS.find(isExecutable);
  return path === undefined ? undefined : { path };
}

async function installBrowser(): Promise<Browser> {
  if (process.getuid?.() !== 0 || !isExecutable("/usr/bin/apt-get")) {
    return { missing: "no Chromium found: install it or set CHROME_PATH" };
  }
  console.log(`installing ${DEBIAN_PACKAGES.join(" and ")} with apt-get`);
  const quiet = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "-qq", "--no-install-recommends", ...DEBIAN_PACKAGES];
  if ((await run("apt-get", install, quiet)) !== 0) {
    // Package lists that are old or missing are the usual reason.
    await run("apt-get", ["update", "-qq"], quiet);
    await run("apt-get", install, quiet);
  }
  return usualBrowser() ?? { missing: "apt-get could not install chromium (its message is above)" };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
