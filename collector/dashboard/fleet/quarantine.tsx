import type { JSX } from 'preact';
import { plural } from '../../../runtime/plural.ts';
import type { IntakeView } from '../../api/contract.ts';
import { moment } from '../lib/format.ts';
import { PanelTable } from '../shell/panel-table.tsx';

interface QuarantineProps {
  readonly quarantine: IntakeView['quarantine'];
  readonly nowMs: number;
}

/** Records without valid form; nothing while there are none. */
export function Quarantine({ quarantine, nowMs }: QuarantineProps): JSX.Element | null {
  const { kept, newest } = quarantine;
  if (kept === 0) return null;
  return (
    <div class="quarantine">
      <PanelTable title="Quarantine" columns={['reason', 'from', 'topic', 'time']} none={null}>
        {newest.map(({ id, at, from, topic, reason, body }) => (
          <tr key={id} data-quarantined={id}>
            <th scope="row">
              <span class="text" title={body === '' ? undefined : body}>
                {reason}
              </span>
            </th>
            <td>{from}</td>
            <td>{topic}</td>
            <td>{moment(at, nowMs)}</td>
          </tr>
        ))}
      </PanelTable>
      <p class="muted">
        {plural(kept, 'record')} put aside: without valid form, skipped
        {kept > newest.length && `; the newest ${newest.length} are shown`}
      </p>
    </div>
  );
}
