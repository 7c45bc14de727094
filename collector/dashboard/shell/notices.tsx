import type { JSX } from 'preact';
import { clockTime } from '../lib/format.ts';
import type { Model } from '../state/model.ts';
import type { Notices } from '../state/notices.ts';

/** What keeps the page from showing the truth; nothing when all is well. */
export function Problem({ model }: { readonly model: Model }): JSX.Element | null {
  if (model.problem !== null) {
    return (
      <p class="banner" role="alert">
        {model.problem} Trying again…
      </p>
    );
  }
  if (!model.fleet.outdated) return null;
  return (
    <p class="banner" role="status">
      The collector now runs version {model.fleet.version}.
      <button type="button" onClick={() => location.reload()}>
        Reload the page
      </button>
    </p>
  );
}

export function NoticeList({ notices }: { readonly notices: Notices }): JSX.Element {
  return (
    <ul class="notices" aria-live="polite">
      {notices.list.map((notice) => (
        <li key={notice.key}>
          <time>{clockTime(notice.ts)}</time>
          <span>{notice.text}</span>
          <button
            type="button"
            class="icon"
            aria-label="Dismiss"
            onClick={() => notices.dismiss(notice.key)}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}
