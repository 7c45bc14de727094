import type { JSX } from 'preact';
import { AlertMark } from '../alerts/marks.tsx';
import { ago, moment } from '../lib/format.ts';
import { stateAt } from '../lib/servers.ts';
import { formatRoute, HOME } from '../lib/route.ts';
import { Flags, StateTag } from '../fleet/cells.tsx';
import { BackIcon } from '../shell/icons.tsx';
import type { Model } from '../state/model.ts';
import type { MachineState } from '../state/machine.ts';
import { Cores } from './cores.tsx';
import { Disks, FileSystems, Interfaces } from './devices.tsx';
import { DeliveryBlock } from './delivery.tsx';
import { Facts } from './facts.tsx';
import { OwnerBlock } from './owner.tsx';
import { Processes } from './processes.tsx';
import { Selector } from './selector.tsx';
import { ServerCharts } from './server-charts.tsx';

interface ServerPageProps {
  readonly model: Model;
  readonly id: number;
  readonly look: string;
}

export function ServerPage({ model, id, look }: ServerPageProps): JSX.Element {
  const { machine, route } = model;
  return (
    <>
      <nav class="server-bar" aria-label="Server">
        <a class="back" href={formatRoute({ ...route, view: HOME.view })}>
          <BackIcon /> All servers
        </a>
        <Selector model={model} id={id} />
        <Status model={model} id={id} />
      </nav>
      <Content model={model} machine={machine} look={look} />
    </>
  );
}

function Status({ model, id }: Omit<ServerPageProps, 'look'>): JSX.Element | null {
  const { fleet, alerts, machine, route } = model;
  // One that was taken off the lists still has its page.
  const summary = fleet.servers.get(id) ?? machine?.view?.summary;
  if (summary === undefined) return null;
  const nowMs = model.clock.now();
  const state = stateAt(summary, nowMs, model.intake.deaf);
  const seen = summary.replayed
    ? `newest event ${moment(summary.ts, nowMs)}`
    : `heard ${ago(nowMs - summary.last_seen_ms)}`;
  return (
    <p class="status">
      <StateTag state={state} replayed={summary.replayed} />
      <Flags server={summary} state={state} />
      <span class="muted">{seen}</span>
      <AlertMark firing={alerts.firingOf(id)} route={route} />
      <a class="muted" href={formatRoute({ ...route, view: { page: 'alerts', server: id } })}>
        alerts
      </a>
    </p>
  );
}

interface ContentProps extends Omit<ServerPageProps, 'id'> {
  readonly machine: MachineState | null;
}

function Content({ model, machine, look }: ContentProps): JSX.Element {
  if (machine?.problem != null) {
    return <p class="empty panel">{machine.problem}</p>;
  }
  if (machine === null || machine.view === null) return <ServerSkeleton />;
  const { sample, view } = machine;
  const nowMs = model.clock.now();
  const summary = model.fleet.servers.get(machine.id) ?? view.summary;
  if (summary.owner !== null) {
    return (
      <>
        <OwnerBlock owner={summary.owner} range={model.route.range} />
        <ServerCharts model={model} machine={machine} look={look} />
      </>
    );
  }
  return (
    <>
      <Facts inventory={view.inventory} sample={sample} />
      <DeliveryBlock delivery={view.delivery} summary={summary} nowMs={nowMs} />
      <ServerCharts model={model} machine={machine} look={look} />
      <Cores sample={sample} />
      <div class="devices">
        <FileSystems sample={sample} />
        <Interfaces sample={sample} />
        <Disks sample={sample} />
      </div>
      <Processes sample={sample} processes={machine.processes} nowMs={nowMs} />
    </>
  );
}

function ServerSkeleton(): JSX.Element {
  return (
    <div class="skeleton" aria-busy="true" aria-label="Loading">
      <div class="facts-blank" />
      <div class="server-charts">
        {['cpu', 'mem', 'net', 'disk', 'load'].map((key) => (
          <div key={key} class="panel chart-blank" />
        ))}
      </div>
    </div>
  );
}
