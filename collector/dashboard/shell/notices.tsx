import type { JSX } from 'preact';
import { clockTime, moment } from '../lib/format.ts';
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
  const nowMs = model.clock.now();
  const trouble = model.intake.trouble(nowMs);
  if (trouble !== undefined) {
    return (
      <p class="banner" role="alert">
        {trouble.isOfOthers ? 'Nothing of other collectors has' : 'Nothing has'} been taken in since{' '}
        {moment(trouble.sinceMs, nowMs)}: {trouble.why}. Which{' '}
        {trouble.isOfOthers ? 'of their servers' : 'servers'} are up is not known.
      </p>
    );
  }
  const { unpublished } = model.intake;
  if (unpublished !== undefined) {
    return (
      <p class="banner" role="alert">
        Other collectors hear nothing of this one: {unpublished}.
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
