import type { ReactNode } from "react";
import { explainFailure } from "../../client/index.ts";
import { Icon } from "./icon.tsx";
import { useControl, usePage } from "./page-context.ts";

/** Says that the connection is lost, once it has been for two seconds. Never in the way of anything. */
export function OfflineBanner(): ReactNode {
  const { lostForLong, failure } = usePage((state) => state.connection);
  const access = usePage((state) => state.access);
  if (!lostForLong || access !== "open") return null;
  return (
    <output className="banner">
      <Icon name="offline" />
      <span>
        {failure === null ? "No connection to the server." : explainFailure(failure).what} Your
        tasks go on; this page reconnects by itself.
      </span>
    </output>
  );
}

/** Results of own actions, at the foot of what they were done in: never over a control of it. */
export function Notices(): ReactNode {
  return (
    <div className="notices" role="log" aria-label="Notices">
      <NoticeStack />
    </div>
  );
}

function NoticeStack(): ReactNode {
  const control = useControl();
  const notices = usePage((state) => state.notices);
  return (
    <div className="notice-stack">
      {notices.map((notice) => (
        <div key={notice.id} className="notice" data-tone={notice.tone}>
          <Icon name={notice.tone === "error" ? "alert" : "check"} />
          <span>{notice.text}</span>
          <button
            type="button"
            className="icon-button small"
            aria-label="Dismiss"
            onClick={() => control.dismissNotice(notice.id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
