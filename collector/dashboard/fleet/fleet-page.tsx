import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { plural } from '../../../runtime/plural.ts';
import { headline } from '../lib/servers.ts';
import { formatOrder, type Order, parseOrder } from '../lib/sort.ts';
import type { Model } from '../state/model.ts';
import { Cards } from './cards.tsx';
import { EmptyFleet, FleetSkeleton } from './empty.tsx';
import { FleetCharts } from './fleet-charts.tsx';
import { Quarantine } from './quarantine.tsx';
import { rowOf } from './rows.ts';
import { FleetTable } from './table.tsx';
import { Transfers } from './transfers.tsx';

interface FleetPageProps {
  readonly model: Model;
  readonly look: string;
}

export function FleetPage({ model, look }: FleetPageProps): JSX.Element {
  const [emphasis, setEmphasis] = useState<number | null>(null);
  const { fleet, alerts, intake, route } = model;
  const { deaf } = intake;
  const nowMs = model.clock.now();
  if (!fleet.loaded) return <FleetSkeleton />;
  if (fleet.servers.size === 0) {
    return (
      <>
        <EmptyFleet />
        <Transfers transfers={model.transfers} nowMs={nowMs} />
        <Quarantine quarantine={intake.quarantine} nowMs={nowMs} />
      </>
    );
  }
  const servers = [...fleet.servers.values()];
  const sought = route.find.trim().toLowerCase();
  const rows = servers
    .filter((server) => server.server_id.toLowerCase().includes(sought))
    .map((server) => {
      const firing = alerts.firingOf(server.id);
      return rowOf({ server, range: fleet.summary(server.id), firing }, nowMs, deaf);
    });
  const setOrder = (order: Order): void => model.go({ sort: formatOrder(order) }, true);
  return (
    <>
      <h1 class="unseen">All servers</h1>
      <Cards figures={headline(servers, nowMs, deaf)} route={route} />
      <FleetCharts model={model} look={look} emphasis={emphasis} onEmphasis={setEmphasis} />
      <section class="servers panel" aria-label="Servers">
        <div class="tools">
          <h2>Servers</h2>
          <span class="muted">
            {sought === ''
              ? plural(servers.length, 'server')
              : `${rows.length} of ${plural(servers.length, 'server')}`}
            , avg and max over {route.range} min
          </span>
          <span class="grow" />
          <input
            type="search"
            placeholder="Filter by name"
            aria-label="Filter servers by name"
            value={route.find}
            onInput={(event) => model.go({ find: event.currentTarget.value }, true)}
          />
        </div>
        <FleetTable
          rows={rows}
          nowMs={nowMs}
          route={route}
          order={parseOrder(route.sort, 'name')}
          onOrder={setOrder}
          emphasis={emphasis}
          onEmphasis={setEmphasis}
        />
        {rows.length === 0 && <p class="none">No server's name contains “{sought}”.</p>}
      </section>
      <Transfers transfers={model.transfers} nowMs={nowMs} />
      <Quarantine quarantine={intake.quarantine} nowMs={nowMs} />
    </>
  );
}
