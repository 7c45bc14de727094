import type { JSX } from 'preact';
import { ago, moment } from '../lib/format.ts';
import { stateAt } from '../lib/servers.ts';
import { formatRoute } from '../lib/route.ts';
import { Flags, StateTag } from '../fleet/cells.tsx';
import { BackIcon } from '../shell/icons.tsx';
import type { Model } from '../state/model.ts';
import type { MachineState } from '../state/machine.ts';
import { Cores } from './cores.tsx';
import { Disks, FileSystems, Interfaces } from './devices.tsx';
import { Facts } from './facts.tsx';
import { Processes } from './processes.tsx';
import { Selector } from './selector.tsx';
import { ServerCharts } from './server-charts.tsx';

interface ServerPageProps {
  readonly model: Model;
  readonly look: string;
}

export function ServerPage({ model, look }: ServerPageProps): JSX.Element {
  const { machine, route } = model;
  return (
    <>
      <nav class="server-bar" aria-label="Server">
        <a class="back" href={formatRoute({ ...route, server: null })}>
          <BackIcon /> All servers
        </a>
        <Selector model={model} />
        <Status model={model} />
      </nav>
      <Content model={model} machine={machine} look={look} />
    </>
  );
}

function Status({ model }: { readonly model: Model }): JSX.Element | null {
  const { route, fleet } = model;
  const summary = fleet.servers.get(route.server ?? -1);
  if (summary === undefined) return null;
  const nowMs = model.clock.now();
  const seen = summary.replayed
    ? `newest event ${moment(summary.ts, nowMs)}`
    : `heard ${ago(nowMs - summary.last_seen_ms)}`;
  return (
    <p class="status">
      <StateTag state={stateAt(summary, nowMs)} replayed={summary.replayed} />
      <Flags
        skewed={summary.skewed}
        offsetMs={summary.clock_offset_ms}
        replayed={summary.replayed}
      />
      <span class="muted">{seen}</span>
    </p>
  );
}

interface ContentProps extends ServerPageProps {
  readonly machine: MachineState | null;
}

function Content({ model, machine, look }: ContentProps): JSX.Element {
  if (machine?.problem != null) {
    return <p class="empty panel">{machine.problem}</p>;
  }
  if (machine === null || machine.view === null) return <ServerSkeleton />;
  const { sample } = machine;
  const nowMs = model.clock.now();
  return (
    <>
      <Facts inventory={machine.view.inventory} sample={sample} />
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
