/** Why the server did not start, or stop, in words that say what to do. */
export function explainStart(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === "mkdir")
    return `${error.message}: the data folder cannot be made there; choose another one with ERRAND_DATA_DIR or --data`;
  if (code === "EADDRINUSE")
    return `${error.message}: another program has the port; stop it, or choose one with PORT=8788`;
  if (code === "EACCES" && syscall === "listen")
    return `${error.message}: this user may not bind that port; choose one above 1023 with PORT=8787`;
  if (code === "EACCES" || code === "EROFS" || code === "EPERM")
    return `${error.message}: this user may not use that file; mend its owner or its rights, or choose another folder with ERRAND_DATA_DIR`;
  return error.message;
}
