/** The table's rows: what a server's cells hold now. Pure. */
import type { AlertSummary, Deafness, ServerSummary } from '../../api/contract.ts';
import { ago, moment } from '../lib/format.ts';
import { currentValue, type ShownState, stateAt } from '../lib/servers.ts';
import type { Cell } from '../lib/sort.ts';
import type { RangeSummary } from '../state/fleet.ts';

export interface Row {
  readonly server: ServerSummary;
  readonly state: ShownState;
  /** `now`, `3 min ago`; for a replayed server the time of its newest event. */
  readonly seen: string;
  readonly range: RangeSummary;
  /** Alerts that fire on it, the worst first. */
  readonly firing: readonly AlertSummary[];
}

export function rowOf(
  parts: Pick<Row, 'server' | 'range' | 'firing'>,
  nowMs: number,
  deaf: readonly Deafness[],
): Row {
  const { server } = parts;
  const state = stateAt(server, nowMs, deaf);
  const seen = server.replayed
    ? moment(server.ts, nowMs, false)
    : ago(nowMs - server.last_seen_ms, state === 'up' ? undefined : 0);
  return { ...parts, state, seen };
}

export interface ColumnSpec {
  readonly key: string;
  readonly title: string;
  /** Read out and shown as a tooltip. */
  readonly label: string;
  readonly textual?: boolean;
  readonly cell: (row: Row, nowMs: number) => Cell;
}

const stateRank: Readonly<Record<ShownState, number>> = {
  up: 0,
  unknown: 1,
  silent: 2,
  off: 3,
  decommissioned: 4,
};
const metric =
  (name: Parameters<typeof currentValue>[1]) =>
  (row: Row, nowMs: number): Cell =>
    currentValue(row.server, name, nowMs);

export const COLUMNS: readonly ColumnSpec[] = [
  {
    key: 'name',
    title: 'Server',
    label: 'Server name',
    textual: true,
    cell: ({ server }) => server.server_id,
  },
  {
    key: 'state',
    title: 'State',
    label: 'State and when it was last heard',
    textual: true,
    // Times are larger than any rank: up first, then the most recently heard.
    cell: ({ server, state }) => stateRank[state] * 1e14 - server.last_seen_ms,
  },
  { key: 'cpu', title: 'CPU', label: 'CPU now', cell: metric('cpu_pct') },
  { key: 'cpu_avg', title: 'avg', label: 'Average CPU', cell: ({ range }) => range.cpu.avg },
  { key: 'cpu_max', title: 'max', label: 'Maximum CPU', cell: ({ range }) => range.cpu.max },
  { key: 'mem', title: 'Memory', label: 'Memory now', cell: metric('mem_pct') },
  { key: 'mem_avg', title: 'avg', label: 'Average memory', cell: ({ range }) => range.mem.avg },
  { key: 'mem_max', title: 'max', label: 'Maximum memory', cell: ({ range }) => range.mem.max },
  { key: 'net_in', title: 'Net in', label: 'Network in', cell: metric('net_in') },
  { key: 'net_out', title: 'Net out', label: 'Network out', cell: metric('net_out') },
  { key: 'disk_io', title: 'Disk I/O', label: 'Disk reads and writes', cell: metric('disk_io') },
  { key: 'disk', title: 'Disk', label: 'Fullest disk, used', cell: metric('disk_used_pct') },
];
