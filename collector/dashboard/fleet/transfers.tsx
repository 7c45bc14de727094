import type { JSX } from 'preact';
import { plural } from '../../../runtime/plural.ts';
import type { TransferView } from '../../api/contract.ts';
import { ABSENT, bytes, duration, percent, rate } from '../lib/format.ts';
import { Machines } from './machines.tsx';
import { PanelTable } from '../shell/panel-table.tsx';
import type { TransfersState } from '../state/transfers.ts';

const shownMax = 20;
/** Without anything new the rate of before says nothing. */
const rateMsMax = 10_000;

interface TransfersProps {
  readonly transfers: TransfersState;
  readonly nowMs: number;
}

/** Files that come in; nothing while there are none. */
export function Transfers({ transfers, nowMs }: TransfersProps): JSX.Element | null {
  const { list, machines, totals, bytesPerSecond, toldMs } = transfers;
  if (list.length === 0 || totals === null) return null;
  const active = list.filter(({ state }) => state === 'active').length;
  const isFresh = nowMs - toldMs <= rateMsMax;
  const speed = isFresh ? bytesPerSecond : 0;
  const more = Math.max(list.length, totals.transfers) - shownMax;
  return (
    <div class="transfers">
      <PanelTable
        title="Transfers"
        columns={['file', 'from', 'blocks', 'size', 'stored', 'left', 'failed']}
        none={null}
      >
        {list.slice(0, shownMax).map((transfer) => (
          <Row key={transfer.id} transfer={transfer} />
        ))}
      </PanelTable>
      <p class="muted">
        {plural(active, 'file')} on the way, {rate(speed)}
        {more > 0 && `; ${more} more`}
      </p>
      <Machines machines={machines} totals={totals} nowMs={nowMs} isFresh={isFresh} />
    </div>
  );
}

function Row({ transfer }: { readonly transfer: TransferView }): JSX.Element {
  const { file_name: name, sender, blocks, total_blocks: total, failures, reason } = transfer;
  return (
    <tr data-transfer={transfer.id} data-state={transfer.state}>
      <th scope="row">
        <span class="text" title={name}>
          {name}
        </span>
      </th>
      <td>{sender ?? ABSENT}</td>
      <td>
        {blocks}/{total ?? '?'}
      </td>
      <td>{bytes(transfer.size_bytes)}</td>
      <td>
        <Progress transfer={transfer} />
      </td>
      <td>{leftText(transfer)}</td>
      <td title={reason ?? undefined}>{failures === 0 ? '' : failures}</td>
    </tr>
  );
}

/** The bar of the fleet's table, without its colours of danger: to be full is good here. */
function Progress({ transfer }: { readonly transfer: TransferView }): JSX.Element {
  const share = shareOf(transfer);
  if (share === null) return <span>{bytes(transfer.bytes)}</span>;
  return (
    <span class="percent-bar">
      <span class="number">{percent(100 * share)}</span>
      <span class="bar" data-level="calm" aria-hidden="true">
        <i style={{ transform: `scaleX(${share.toFixed(4)})` }} />
      </span>
    </span>
  );
}

function shareOf({ state, bytes: stored, size_bytes: size }: TransferView): number | null {
  if (state === 'done') return 1;
  return size === null || size === 0 ? null : Math.min(1, stored / size);
}

function leftText({ state, left_ms: leftMs }: TransferView): string {
  if (state !== 'active') return state;
  return leftMs === null ? ABSENT : duration(leftMs / 1_000);
}
