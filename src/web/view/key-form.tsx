import { useState } from "react";
import type { ReactNode } from "react";
import { Icon } from "./icon.tsx";
import { useControl, usePage } from "./page-context.ts";

/** Asks for the API key. Shown only after the server has said that it needs one. */
export function KeyForm(): ReactNode {
  const control = useControl();
  const wasRefused = usePage((state) => state.access === "keyRefused");
  const [key, setKey] = useState("");
  const trimmed = key.trim();
  return (
    <form
      className="blank key-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (trimmed !== "") control.setKey(trimmed);
      }}
    >
      <Icon name="key" />
      <h2>This server needs an API key</h2>
      {wasRefused && (
        <p className="bad" role="alert">
          The server did not accept that key. Check it, or ask for a new one.
        </p>
      )}
      <label htmlFor="api-key">API key</label>
      <input
        id="api-key"
        type="password"
        autoComplete="current-password"
        spellCheck={false}
        value={key}
        aria-describedby="api-key-hint"
        onChange={(event) => setKey(event.target.value)}
      />
      <p id="api-key-hint" className="quiet">
        It is kept in this browser, so that you can close the tab and come back. Whoever runs the
        server makes keys with <code>POST /api/admin/keys</code>.
      </p>
      <button type="submit" className="button" disabled={trimmed === ""}>
        Continue
      </button>
    </form>
  );
}
