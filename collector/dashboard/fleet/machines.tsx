import type { JSX } from 'preact';
import type { MachineView, TransferTotals } from '../../api/contract.ts';
import { activeMs } from '../../../blocks/transfers-view.ts';
import { ABSENT, ago, rate } from '../lib/format.ts';
import { notShown } from '../lib/machines.ts';
import { PanelTable } from '../shell/panel-table.tsx';

const shownMax = 20;
/** Between two statuses of a receiver, and room. */
const freshMs = 10_000;

interface MachinesProps {
  readonly machines: readonly MachineView[];
  readonly totals: TransferTotals;
  readonly nowMs: number;
  /** Whether what was told of rates still holds. */
  readonly isFresh: boolean;
}

/** Who sends and receives files; nothing while nobody was heard. */
export function Machines({ machines, totals, nowMs, isFresh }: MachinesProps): JSX.Element | null {
  if (machines.length === 0) return null;
  const shown = machines.slice(0, shownMax);
  const more = notShown(shown, totals);
  return (
    <>
      <PanelTable
        title="Machines"
        columns={['machine', 'does', 'throughput', 'heard', 'state', 'hashes by']}
        none={null}
      >
        {shown.map((machine) => (
          <Row
            key={`${machine.role} ${machine.machine_id}`}
            machine={machine}
            nowMs={nowMs}
            isFresh={isFresh}
          />
        ))}
      </PanelTable>
      {more > 0 && <p class="muted">{more} more</p>}
    </>
  );
}

interface RowProps {
  readonly machine: MachineView;
  readonly nowMs: number;
  readonly isFresh: boolean;
}

function Row({ machine, nowMs, isFresh }: RowProps): JSX.Element {
  const { machine_id: id, role, engine, last_heard_ms: heardMs } = machine;
  // The collector tells nothing while nothing comes, and time goes on.
  const state = nowMs - heardMs <= activeMs ? 'active' : 'quiet';
  return (
    <tr data-machine={id} data-role={role} data-state={state}>
      <th scope="row">
        <span class="text" title={id}>
          {id}
        </span>
      </th>
      <td>{role === 'sender' ? 'sends' : 'receives'}</td>
      <td>{rate(isFresh ? machine.bytes_per_second : 0)}</td>
      <td>{ago(Math.max(0, nowMs - heardMs), freshMs)}</td>
      <td>{state}</td>
      <td>{engine ?? ABSENT}</td>
    </tr>
  );
}
