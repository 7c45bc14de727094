import { Component, type JSX } from 'preact';
import { percent } from '../lib/format.ts';
import { currentValue } from '../lib/servers.ts';
import { Flags, levelOf, PercentBar, Rate, StateTag } from './cells.tsx';
import type { Row } from './rows.ts';

interface TableRowProps {
  readonly row: Row;
  readonly nowMs: number;
  readonly href: string;
  readonly emphasised: boolean;
  readonly onEmphasis: (id: number | null) => void;
}

/** One of maybe 500: drawn anew only when something that it shows has changed. */
export class TableRow extends Component<TableRowProps> {
  override shouldComponentUpdate(next: Readonly<TableRowProps>): boolean {
    const { row, href, emphasised } = this.props;
    return (
      row.server !== next.row.server ||
      row.state !== next.row.state ||
      row.seen !== next.row.seen ||
      href !== next.href ||
      emphasised !== next.emphasised ||
      percent(row.range.cpu.avg) !== percent(next.row.range.cpu.avg) ||
      percent(row.range.cpu.max) !== percent(next.row.range.cpu.max) ||
      percent(row.range.mem.avg) !== percent(next.row.range.mem.avg) ||
      percent(row.range.mem.max) !== percent(next.row.range.mem.max)
    );
  }

  override render({ row, nowMs, href, emphasised, onEmphasis }: TableRowProps): JSX.Element {
    const { server, range } = row;
    const now = (metric: Parameters<typeof currentValue>[1]): number | null =>
      currentValue(server, metric, nowMs);
    const why = row.state === 'up' ? 'not measured on this machine' : 'not reporting';
    const title = (value: number | null): string | undefined => (value === null ? why : undefined);
    return (
      <tr
        role="row"
        class={emphasised ? 'emphasised' : undefined}
        data-server={server.server_id}
        onMouseEnter={() => onEmphasis(server.id)}
        onClick={() => {
          location.hash = href;
        }}
      >
        <th role="rowheader" scope="row" class="col-name">
          <a class="text" href={href} title={server.server_id}>
            {server.server_id}
          </a>
          <Flags
            skewed={server.skewed}
            offsetMs={server.clock_offset_ms}
            replayed={server.replayed}
          />
        </th>
        <td role="cell" class="col-state">
          <StateTag state={row.state} replayed={server.replayed} />
          <small class="seen">{row.seen}</small>
        </td>
        <td role="cell" class="col-cpu" data-title="CPU" data-range={rangeText(range.cpu)}>
          <PercentBar value={now('cpu_pct')} why={title(now('cpu_pct'))} />
        </td>
        <Summary column="cpu_avg" value={range.cpu.avg} />
        <Summary column="cpu_max" value={range.cpu.max} />
        <td role="cell" class="col-mem" data-title="Memory" data-range={rangeText(range.mem)}>
          <PercentBar value={now('mem_pct')} why={title(now('mem_pct'))} />
        </td>
        <Summary column="mem_avg" value={range.mem.avg} />
        <Summary column="mem_max" value={range.mem.max} />
        {rates.map(({ metric, title: heading }) => (
          <td key={metric} role="cell" class={`col-${metric}`} data-title={heading}>
            <Rate value={now(metric)} why={title(now(metric))} />
          </td>
        ))}
        <td role="cell" class="col-disk" data-title="Fullest disk">
          <PercentBar value={now('disk_used_pct')} why={title(now('disk_used_pct'))} />
        </td>
      </tr>
    );
  }
}

const rates = [
  { metric: 'net_in', title: 'Net in' },
  { metric: 'net_out', title: 'Net out' },
  { metric: 'disk_io', title: 'Disk I/O' },
] as const;

interface SummaryProps {
  readonly column: string;
  readonly value: number | null;
}

function Summary({ column, value }: SummaryProps): JSX.Element {
  return (
    <td
      role="cell"
      class={`col-${column} summary`}
      data-level={levelOf(value)}
      title={value === null ? 'nothing measured in this range' : undefined}
    >
      {percent(value)}
    </td>
  );
}

/** Shown below the value where the table is too narrow for columns of their own. */
function rangeText({ avg, max }: Row['range']['cpu']): string {
  return `⌀ ${percent(avg)} ↑ ${percent(max)}`;
}
