import { Component, createRef, type JSX } from 'preact';
import { AlertMark } from '../alerts/marks.tsx';
import { percent } from '../lib/format.ts';
import { formatRoute, type Route } from '../lib/route.ts';
import { currentValue } from '../lib/servers.ts';
import { Flags, levelOf, PercentBar, Rate, StateTag } from './cells.tsx';
import type { Row } from './rows.ts';
import { watchSight } from './sight.ts';

interface TableRowProps {
  readonly row: Row;
  readonly nowMs: number;
  readonly route: Route;
  readonly emphasised: boolean;
  readonly onEmphasis: (id: number | null) => void;
}

/** A row that nobody sees is drawn this seldom: it is still found and copied with the page. */
const unseenMs = 5_000;

/** One of maybe 500: drawn anew only when it is in sight and something that it shows has changed. */
export class TableRow extends Component<TableRowProps> {
  #inSight = true;
  #drawnAt = 0;
  readonly #element = createRef<HTMLTableRowElement>();
  #unwatch: (() => void) | undefined;

  override componentDidMount(): void {
    const { current } = this.#element;
    if (current === null) return;
    this.#unwatch = watchSight(current, (inSight) => {
      this.#inSight = inSight;
      if (inSight) this.forceUpdate();
    });
  }

  override componentWillUnmount(): void {
    this.#unwatch?.();
  }

  override shouldComponentUpdate(next: Readonly<TableRowProps>): boolean {
    const { row, route, emphasised } = this.props;
    if (!this.#inSight && performance.now() - this.#drawnAt < unseenMs) return false;
    return (
      row.server !== next.row.server ||
      row.state !== next.row.state ||
      row.seen !== next.row.seen ||
      row.firing !== next.row.firing ||
      route !== next.route ||
      emphasised !== next.emphasised ||
      percent(row.range.cpu.avg) !== percent(next.row.range.cpu.avg) ||
      percent(row.range.cpu.max) !== percent(next.row.range.cpu.max) ||
      percent(row.range.mem.avg) !== percent(next.row.range.mem.avg) ||
      percent(row.range.mem.max) !== percent(next.row.range.mem.max)
    );
  }

  override render({ row, nowMs, route, emphasised, onEmphasis }: TableRowProps): JSX.Element {
    this.#drawnAt = performance.now();
    const { server, firing } = row;
    const href = formatRoute({ ...route, view: { page: 'server', id: server.id } });
    return (
      <tr
        ref={this.#element}
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
          <Flags server={server} state={row.state} />
        </th>
        <td role="cell" class="col-state">
          <StateTag state={row.state} replayed={server.replayed} />
          <AlertMark firing={firing} route={route} />
          <small class="seen">{row.seen}</small>
        </td>
        <Measures row={row} nowMs={nowMs} />
      </tr>
    );
  }
}

interface MeasuresProps {
  readonly row: Row;
  readonly nowMs: number;
}

function Measures({ row, nowMs }: MeasuresProps): JSX.Element {
  const { server, range } = row;
  const now = (metric: Parameters<typeof currentValue>[1]): number | null =>
    currentValue(server, metric, nowMs);
  const why = row.state === 'up' ? 'not measured on this machine' : 'not reporting';
  const shown = (value: number | null) => ({ value, why: value === null ? why : undefined });
  return (
    <>
      <td role="cell" class="col-cpu" data-title="CPU" data-range={rangeText(range.cpu)}>
        <PercentBar {...shown(now('cpu_pct'))} />
      </td>
      <Summary column="cpu_avg" value={range.cpu.avg} />
      <Summary column="cpu_max" value={range.cpu.max} />
      <td role="cell" class="col-mem" data-title="Memory" data-range={rangeText(range.mem)}>
        <PercentBar {...shown(now('mem_pct'))} />
      </td>
      <Summary column="mem_avg" value={range.mem.avg} />
      <Summary column="mem_max" value={range.mem.max} />
      {rates.map(({ metric, title }) => (
        <td key={metric} role="cell" class={`col-${metric}`} data-title={title}>
          <Rate {...shown(now(metric))} />
        </td>
      ))}
      <td role="cell" class="col-disk" data-title="Fullest disk">
        <PercentBar {...shown(now('disk_used_pct'))} />
      </td>
    </>
  );
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
