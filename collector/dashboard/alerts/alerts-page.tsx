import type { JSX } from 'preact';
import { ofServer, severityCounts } from '../lib/alerts.ts';
import { ago, count } from '../lib/format.ts';
import { formatRoute, HOME } from '../lib/route.ts';
import { BackIcon } from '../shell/icons.tsx';
import type { Model } from '../state/model.ts';
import { AlertTable } from './alert-table.tsx';

interface AlertsPageProps {
  readonly model: Model;
  /** Of this server alone; null: all. */
  readonly server: number | null;
}

/** What fires now, what may soon, and what did. */
export function AlertsPage({ model, server }: AlertsPageProps): JSX.Element {
  const { alerts, route } = model;
  const nowMs = model.clock.now();
  const shared = { rules: alerts.rules, route, nowMs };
  const firing = ofServer(alerts.firing, server);
  const pending = ofServer(alerts.pending, server);
  const past = ofServer(alerts.past, server);
  return (
    <>
      <Bar model={model} server={server} />
      {!alerts.loaded && <AlertsSkeleton />}
      {alerts.loaded && firing.length === 0 && <Quiet model={model} server={server} />}
      {firing.length > 0 && (
        <AlertTable {...shared} kind="firing" alerts={firing} about={severityCounts(firing)} />
      )}
      {pending.length > 0 && (
        <AlertTable
          {...shared}
          kind="pending"
          alerts={pending}
          about={`${pending.length}, not yet for as long as their rules ask`}
        />
      )}
      {server === null && alerts.unlisted > 0 && (
        <p class="muted">{count(alerts.unlisted, 'more alert')} not listed.</p>
      )}
      {past.length > 0 && (
        <AlertTable
          {...shared}
          kind="past"
          alerts={past}
          about={
            server === null
              ? `the newest ${past.length}`
              : `${past.length} of the newest ${alerts.past.length} of all servers`
          }
        />
      )}
    </>
  );
}

function Bar({ model, server }: AlertsPageProps): JSX.Element {
  const { route } = model;
  const all = formatRoute({ ...route, view: { page: 'alerts', server: null } });
  if (server === null) {
    return (
      <nav class="server-bar" aria-label="Alerts">
        <a class="back" href={formatRoute({ ...route, view: HOME.view })}>
          <BackIcon /> All servers
        </a>
        <h1>Alerts</h1>
      </nav>
    );
  }
  return (
    <nav class="server-bar" aria-label="Alerts">
      <a class="back" href={formatRoute({ ...route, view: { page: 'server', id: server } })}>
        <BackIcon /> {nameOf(model, server)}
      </a>
      <h1>Alerts of {nameOf(model, server)}</h1>
      <a class="muted" href={all}>
        Show those of all servers
      </a>
    </nav>
  );
}

function nameOf({ fleet, alerts }: Model, server: number): string {
  const known = [...alerts.firing, ...alerts.pending, ...alerts.past];
  return (
    fleet.servers.get(server)?.server_id ??
    known.find(({ server_no }) => server_no === server)?.server ??
    `server ${server}`
  );
}

/** Nothing fires: said in so many words, with who looks out. */
function Quiet({ model, server }: AlertsPageProps): JSX.Element {
  const { alerts } = model;
  if (alerts.rules.size === 0) return <NoRules />;
  const [newest] = ofServer(alerts.past, server);
  const who = count(alerts.rules.size, 'rule watches', 'rules watch');
  return (
    <section class="quiet panel" aria-label="Firing alerts">
      <h2>{ofServer(alerts.pending, server).length === 0 ? 'All quiet' : 'Nothing fires'}</h2>
      <p>{`${who} ${watchedText(model, server)}.`}</p>
      {newest?.ended_at != null && (
        <p class="muted">The newest alert ended {ago(model.clock.now() - newest.ended_at)}.</p>
      )}
    </section>
  );
}

/** Rules look at no replayed server. */
function watchedText(model: Model, server: number | null): string {
  if (server !== null) return nameOf(model, server);
  const live = [...model.fleet.servers.values()].filter(({ replayed }) => !replayed);
  return count(live.length, 'server');
}

function NoRules(): JSX.Element {
  return (
    <section class="empty panel">
      <h1>No rules are in force</h1>
      <p>
        So nothing is watched. Rules stand in the file that the collector's setting{' '}
        <code>alerts</code> names.
      </p>
    </section>
  );
}

function AlertsSkeleton(): JSX.Element {
  return (
    <div class="skeleton" aria-busy="true" aria-label="Loading">
      <div class="panel table-blank" />
    </div>
  );
}
