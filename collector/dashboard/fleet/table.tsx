import type { JSX } from 'preact';
import { plural } from '../../../runtime/plural.ts';
import { nextOrder, type Order, sortRows } from '../lib/sort.ts';
import type { Route } from '../lib/route.ts';
import { useCalmOrder } from '../shell/use-calm-order.ts';
import { COLUMNS, type ColumnSpec, type Row } from './rows.ts';
import { TableRow } from './table-row.tsx';

interface TableProps {
  readonly rows: readonly Row[];
  readonly nowMs: number;
  readonly route: Route;
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
  readonly emphasis: number | null;
  readonly onEmphasis: (id: number | null) => void;
}

/** Rows sorted by a live value change places at most this often. */
const calmMs = 3_000;

/** The roles say what the elements are by themselves, until a phone's layout makes them a grid. */
export function FleetTable(props: TableProps): JSX.Element {
  const { rows, nowMs, order, onOrder, onEmphasis } = props;
  const column = COLUMNS.find(({ key }) => key === order.column) ?? COLUMNS[0];
  const sort = (part: readonly Row[]): Row[] =>
    column === undefined
      ? [...part]
      : sortRows(part, (row) => column.cell(row, nowMs), order.descending);
  const up = rows.filter((row) => row.state === 'up');
  const gone = rows.filter((row) => row.state !== 'up');
  const calm = useCalmOrder([...sort(up), ...sort(gone)], {
    keyOf: ({ server }) => server.id,
    orderKey: `${order.column} ${order.descending}`,
    calmMs,
  });
  return (
    <div class="table-box" {...calm.handlers} onMouseLeave={() => onEmphasis(null)}>
      <table role="table" class="fleet-table">
        <thead role="rowgroup">
          <tr role="row">
            {COLUMNS.map((each) => (
              <ColumnTitle key={each.key} column={each} order={order} onOrder={onOrder} />
            ))}
          </tr>
        </thead>
        <Body {...props} rows={calm.rows.filter((row) => row.state === 'up')} />
        {gone.length > 0 && (
          <Body
            {...props}
            rows={calm.rows.filter((row) => row.state !== 'up')}
            title={`Not reporting: ${plural(gone.length, 'server')}`}
          />
        )}
      </table>
    </div>
  );
}

interface BodyProps extends TableProps {
  readonly title?: string;
}

function Body({ title, rows, nowMs, route, emphasis, onEmphasis }: BodyProps): JSX.Element {
  return (
    <tbody role="rowgroup" class={title === undefined ? undefined : 'gone'}>
      {title !== undefined && (
        <tr role="row" class="group">
          <th role="rowheader" scope="rowgroup" colSpan={COLUMNS.length}>
            {title}
          </th>
        </tr>
      )}
      {rows.map((row) => (
        <TableRow
          key={row.server.id}
          row={row}
          nowMs={nowMs}
          route={route}
          emphasised={emphasis === row.server.id}
          onEmphasis={onEmphasis}
        />
      ))}
    </tbody>
  );
}

interface ColumnTitleProps {
  readonly column: ColumnSpec;
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
}

function ColumnTitle({ column, order, onOrder }: ColumnTitleProps): JSX.Element {
  const { key, title, label, textual = false } = column;
  const rules = order.column === key;
  const direction = order.descending ? 'descending' : 'ascending';
  return (
    <th
      role="columnheader"
      scope="col"
      class={`col-${key}`}
      aria-sort={rules ? direction : undefined}
    >
      <button
        type="button"
        title={`${label}: sort`}
        aria-label={label}
        onClick={() => onOrder(nextOrder(order, key, textual))}
      >
        {title}
        <span class="arrow" aria-hidden="true">
          {rules ? (order.descending ? '▾' : '▴') : ''}
        </span>
      </button>
    </th>
  );
}
