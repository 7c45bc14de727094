import type { JSX } from 'preact';
import type { AlertSummary } from '../../api/contract.ts';
import type { Route } from '../lib/route.ts';
import { useCalmOrder } from '../shell/use-calm-order.ts';
import { AlertRow } from './alert-row.tsx';

interface AlertTableProps {
  readonly kind: 'firing' | 'pending' | 'past';
  /** In their order, at least one. */
  readonly alerts: readonly AlertSummary[];
  /** What is said of their number. */
  readonly about: string;
  /** Name → what the rule says of itself. */
  readonly rules: ReadonlyMap<string, string>;
  readonly route: Route;
  readonly nowMs: number;
}

const titles = { firing: 'Firing', pending: 'Pending', past: 'Past' };
const columns = {
  firing: ['Severity', 'Rule', 'Server', 'Why', 'Since'],
  pending: ['Severity', 'Rule', 'Server', 'Why', 'Since'],
  past: ['Severity', 'Rule', 'Server', 'Why it ended', 'Fired', 'For', 'Ended'],
};

/** The roles say what the elements are by themselves, until a phone's layout makes them a grid. */
export function AlertTable({
  kind,
  alerts,
  about,
  rules,
  route,
  nowMs,
}: AlertTableProps): JSX.Element {
  const calm = useCalmOrder(alerts, { keyOf, orderKey: kind, calmMs: 0 });
  return (
    <section class="panel alert-panel" data-kind={kind} aria-label={`${titles[kind]} alerts`}>
      <h2>
        {titles[kind]} <small>{about}</small>
      </h2>
      <div class="table-box" {...calm.handlers}>
        <table role="table" class="alert-table">
          <thead role="rowgroup">
            <tr role="row">
              {columns[kind].map((title) => (
                <th key={title} role="columnheader" scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {calm.rows.map((alert) => (
              <AlertRow
                key={alert.id}
                alert={alert}
                about={rules.get(alert.rule)}
                route={route}
                nowMs={nowMs}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const keyOf = ({ id }: AlertSummary): string => id;
