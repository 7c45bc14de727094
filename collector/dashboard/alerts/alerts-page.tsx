import type { JSX } from 'preact';
import { plural } from '../../../runtime/plural.ts';
import { severityCounts } from '../lib/alerts.ts';
import { ago } from '../lib/format.ts';
import { formatRoute, HOME } from '../lib/route.ts';
import { BackIcon } from '../shell/icons.tsx';
import type { Model } from '../state/model.ts';
import { AlertTable } from './alert-table.tsx';

interface AlertsPageProps {
  readonly model: Model;
}

/** What fires now, what may soon, and what did. */
export function AlertsPage({ model }: AlertsPageProps): JSX.Element {
  const { listed, route } = model;
  const { firing, pending, past, isUnknown, loaded } = listed;
  const nowMs = model.clock.now();
  const shared = { rules: listed.rules, route, nowMs };
  return (
    <>
      <Bar model={model} />
      {isUnknown && <NoServer />}
      {!loaded && !isUnknown && <AlertsSkeleton />}
      {loaded && !isUnknown && firing.length === 0 && <Quiet model={model} />}
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
      {listed.unlisted > 0 && (
        <p class="muted">{plural(listed.unlisted, 'more alert')} not listed.</p>
      )}
      {past.length > 0 && (
        <AlertTable {...shared} kind="past" alerts={past} about={`the newest ${past.length}`} />
      )}
    </>
  );
}

function Bar({ model }: AlertsPageProps): JSX.Element {
  const { route, listed } = model;
  const { server } = listed;
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

function nameOf({ fleet, listed }: Model, server: number): string {
  const [known] = [...listed.firing, ...listed.pending, ...listed.past];
  return fleet.servers.get(server)?.server_id ?? known?.server ?? `server ${server}`;
}

/** Nothing fires: said in so many words, with who looks out. */
function Quiet({ model }: AlertsPageProps): JSX.Element {
  const { rules, pending, past } = model.listed;
  if (rules.size === 0) return <NoRules />;
  const [newest] = past;
  const who = plural(rules.size, 'rule watches', 'rules watch');
  return (
    <section class="quiet panel" aria-label="Firing alerts">
      <h2>{pending.length === 0 ? 'All quiet' : 'Nothing fires'}</h2>
      <p>{`${who} ${watchedText(model)}.`}</p>
      {newest?.ended_at != null && (
        <p class="muted">The newest alert ended {ago(model.clock.now() - newest.ended_at)}.</p>
      )}
    </section>
  );
}

/** Rules look at no replayed server. */
function watchedText(model: Model): string {
  const { server } = model.listed;
  if (server !== null) return nameOf(model, server);
  const live = [...model.fleet.servers.values()].filter(({ replayed }) => !replayed);
  return plural(live.length, 'server');
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

function NoServer(): JSX.Element {
  return (
    <section class="empty panel">
      <h1>The collector knows no such server.</h1>
      <p>Its history may be older than what is kept, or the address is not whole.</p>
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
