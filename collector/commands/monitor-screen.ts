/** Transfers as lines of a terminal. Pure. */
import { plural } from '../../runtime/plural.ts';
import { inert } from '../../wire/records/fields.ts';
import type { MachineView, TransfersView, TransferView } from '../api/contract.ts';
import { bytes, duration, rate } from '../dashboard/lib/format.ts';
import { notShown } from '../dashboard/lib/machines.ts';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

const barColumns = 20;
/** Of a terminal that says nothing of itself, or 0. */
const columnsDefault = 80;
const rowsDefault = 24;
/** Heading, two lines about what is not listed, two empty lines, and one for the cursor. */
const otherRows = 6;
const machinesMax = 5;
const nameColumnsMin = 12;

/** As many lines as fit; names act on no terminal. */
export function screenOf(view: TransfersView, { columns, rows }: Partial<TerminalSize>): string[] {
  const width = columns || columnsDefault;
  const listed = view.machines.slice(0, machinesMax);
  const machines = listed.map(machineLine);
  const others = notShown(listed, view.totals);
  if (others > 0) machines.push(`  and ${others} more`);
  const room = Math.max(1, (rows || rowsDefault) - otherRows - machines.length);
  const shown = [...view.transfers].sort(unfinishedFirst).slice(0, room);
  const lines = [
    headline(view),
    ...machines,
    '',
    ...shown.map((transfer) => transferLine(transfer, width)),
  ];
  const left = view.totals.transfers - shown.length;
  if (left > 0) lines.push(`and ${left} more`);
  if (view.transfers.length === 0) lines.push('no file has come yet');
  return lines.map((line) => cut(line, width));
}

function headline({ totals, bytes_per_second }: TransfersView): string {
  return [
    `${totals.machines_active} of ${plural(totals.machines, 'machine')} active`,
    plural(totals.transfers_active, 'file on its way', 'files on their way'),
    rate(bytes_per_second),
    plural(totals.failures, 'failed block'),
  ].join('   ');
}

function machineLine(machine: MachineView): string {
  const { machine_id, role, engine, blocks, bytes: size, failures } = machine;
  const does = role === 'sender' ? 'sends' : 'receives';
  const state = machine.active ? rate(machine.bytes_per_second) : 'quiet';
  const facts = [state, plural(blocks, 'block'), bytes(size), `${failures} failed`];
  if (engine !== null) facts.push(engine);
  return `  ${inert(machine_id)} ${does}: ${facts.join(', ')}`;
}

function transferLine(transfer: TransferView, width: number): string {
  const { sender, blocks, total_blocks, size_bytes, failures, reason, state } = transfer;
  const from = sender === null ? '' : ` from ${inert(sender)}`;
  const counts = `${blocks}/${total_blocks === null ? '? blocks' : plural(total_blocks, 'block')}`;
  const size = size_bytes === null ? bytes(transfer.bytes) : bytes(size_bytes);
  const failed = failures === 0 ? '' : `  ${failures} failed: ${inert(reason ?? 'no reason told')}`;
  const end = `  ${bar(transfer)}  ${counts}  ${size}  ${restOf(transfer)}${failed}`;
  const name = cut(
    `${state === 'done' ? '✓' : ' '} ${inert(transfer.file_name)}${from}`,
    Math.max(nameColumnsMin, width - end.length),
  );
  return name + end;
}

function restOf({ state, left_ms }: TransferView): string {
  if (state !== 'active') return state;
  return left_ms === null ? 'active' : `${duration(left_ms / 1_000)} left`;
}

function bar({ bytes: done, size_bytes, state }: TransferView): string {
  const share =
    state === 'done' ? 1 : size_bytes === null || size_bytes === 0 ? 0 : done / size_bytes;
  const full = Math.floor(Math.min(1, share) * barColumns);
  return `[${'#'.repeat(full)}${'.'.repeat(barColumns - full)}]`;
}

function unfinishedFirst(one: TransferView, other: TransferView): number {
  return Number(one.state === 'done') - Number(other.state === 'done');
}

function cut(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}
