import type { ReactNode } from "react";
import { explainFailure, inOneLine } from "../../client/index.ts";
import type { Load } from "../state/page-state.ts";

interface LoadFailedProps {
  readonly load: Load;
  readonly onAgain: () => void;
}

/** Why something could not be loaded, with the way to load it again. Nothing while all is well. */
export function LoadFailed({ load, onAgain }: LoadFailedProps): ReactNode {
  if (load.is !== "failed") return null;
  return (
    <p className="side-note" role="alert">
      {inOneLine(explainFailure(load.failure))}{" "}
      <button type="button" className="link" onClick={onAgain}>
        Load again
      </button>
    </p>
  );
}
