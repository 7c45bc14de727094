import type { JSX } from 'preact';
import type { ServerOwner } from '../../api/contract.ts';
import { pageOf } from '../lib/owner.ts';
import type { Range } from '../lib/route.ts';

interface OwnerProps {
  readonly owner: ServerOwner;
  readonly range: Range;
}

/** Where the rest of another collector's server is. */
export function OwnerBlock({ owner, range }: OwnerProps): JSX.Element {
  const page = pageOf(owner, range, location);
  return (
    <p class="owner panel" role="note">
      Its windows are here; samples and processes are at{' '}
      {page === null ? (
        <>
          <span class="text">{owner.url}</span>, which leads elsewhere from here
        </>
      ) : (
        <a class="link" href={page}>
          {owner.url}
        </a>
      )}
      .
    </p>
  );
}
