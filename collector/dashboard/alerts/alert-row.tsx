import { Component, type JSX } from 'preact';
import type { AlertSummary } from '../../api/contract.ts';
import { processesText, sinceMs, subjectOf } from '../lib/alerts.ts';
import { ago } from '../lib/format.ts';
import { formatRoute, type Route } from '../lib/route.ts';
import { Ago, lasted, Moment, SeverityTag } from './marks.tsx';

interface AlertRowProps {
  readonly alert: AlertSummary;
  /** What its rule says of itself; a rule that is no more says nothing. */
  readonly about: string | undefined;
  readonly route: Route;
  readonly nowMs: number;
}

/** One of maybe a thousand: drawn anew only when something that it shows has changed. */
export class AlertRow extends Component<AlertRowProps> {
  override shouldComponentUpdate(next: Readonly<AlertRowProps>): boolean {
    return (
      this.props.alert !== next.alert ||
      this.props.route !== next.route ||
      this.props.about !== next.about ||
      timesOf(this.props) !== timesOf(next)
    );
  }

  override render({ alert, about, route, nowMs }: AlertRowProps): JSX.Element {
    const why = formatRoute({ ...route, view: { page: 'alert', id: alert.id } });
    const processes = processesText(alert);
    return (
      <tr
        role="row"
        data-alert={alert.id}
        onClick={() => {
          location.hash = why;
        }}
      >
        <td role="cell" class="col-severity">
          <SeverityTag severity={alert.severity} />
        </td>
        <th role="rowheader" scope="row" class="col-rule" title={about}>
          <a class="text" href={why}>
            {alert.rule}
          </a>
          <small class="about">{about}</small>
        </th>
        <td role="cell" class="col-server">
          <Subject alert={alert} route={route} />
        </td>
        <td role="cell" class="col-reason text" title={`${alert.reason}\n${processes}`.trim()}>
          {alert.reason}
          {processes !== '' && <small class="on-top">{processes}</small>}
        </td>
        <Times alert={alert} nowMs={nowMs} />
      </tr>
    );
  }
}

export function Subject({ alert, route }: Pick<AlertRowProps, 'alert' | 'route'>): JSX.Element {
  const name = subjectOf(alert);
  if (alert.server_no === null) return <span class="text">{name}</span>;
  return (
    <a
      class="text"
      href={formatRoute({ ...route, view: { page: 'server', id: alert.server_no } })}
      title={`To ${name}`}
      // The row leads to why, this to the server.
      onClick={(event) => event.stopPropagation()}
    >
      {name}
    </a>
  );
}

function Times({ alert, nowMs }: Pick<AlertRowProps, 'alert' | 'nowMs'>): JSX.Element {
  const { starts_at, fired_at, ended_at } = alert;
  const beganMs = fired_at ?? starts_at;
  return (
    <>
      <td role="cell" class="col-began">
        {ended_at === null ? (
          <Ago ms={beganMs} nowMs={nowMs} />
        ) : (
          <Moment ms={beganMs} nowMs={nowMs} />
        )}
      </td>
      {ended_at !== null && (
        <>
          <td role="cell" class="col-lasted" data-title="for">
            {lasted(alert, nowMs)}
          </td>
          <td role="cell" class="col-ended" data-title="ended">
            <Ago ms={ended_at} nowMs={nowMs} />
          </td>
        </>
      )}
    </>
  );
}

/** What of the row changes with time alone. */
function timesOf({ alert, nowMs }: AlertRowProps): string {
  return ago(nowMs - sinceMs(alert));
}
