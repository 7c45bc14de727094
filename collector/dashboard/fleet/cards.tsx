import type { ComponentChildren, JSX } from 'preact';
import type { ServerSummary } from '../../api/contract.ts';
import { percent, rate } from '../lib/format.ts';
import { formatRoute, type Route } from '../lib/route.ts';
import type { Extreme, Headline } from '../lib/servers.ts';

interface CardsProps {
  readonly figures: Headline;
  readonly route: Route;
}

export function Cards({ figures, route }: CardsProps): JSX.Element {
  const { up, silent, unknown, off, replayed } = figures;
  const others = [
    silent > 0 ? `${silent} silent` : '',
    unknown > 0 ? `${unknown} not known` : '',
    off > 0 ? `${off} off` : '',
    replayed > 0 ? `${replayed} replayed` : '',
  ].filter((text) => text !== '');
  return (
    <section class="cards panel" aria-label="The fleet now">
      <Card title="Servers up" value={String(up)} name="up">
        {others.length > 0 ? others.join(' · ') : 'heard in the last 2 min'}
      </Card>
      <ExtremeCard title="CPU" name="cpu" figure={figures.cpu} route={route} />
      <ExtremeCard title="Memory" name="mem" figure={figures.mem} route={route} />
      <Card title="Network" value={rate(figures.netIn)} unit="in" name="net">
        {rate(figures.netOut)} out
      </Card>
      <Card title="Fullest disk" value={percent(figures.disk.max)} name="disk">
        <ServerLink server={figures.disk.at} route={route} />
        <span>avg {percent(figures.disk.avg)}</span>
      </Card>
    </section>
  );
}

interface CardProps {
  readonly title: string;
  readonly name: string;
  readonly value: string;
  readonly unit?: string;
  readonly children: ComponentChildren;
}

function Card({ title, name, value, unit, children }: CardProps): JSX.Element {
  return (
    <div class="card" data-card={name}>
      <h2>{title}</h2>
      <p class="figure">
        {value}
        {unit !== undefined && <small>{unit}</small>}
      </p>
      <p class="detail">{children}</p>
    </div>
  );
}

interface ExtremeCardProps {
  readonly title: string;
  readonly name: string;
  readonly figure: Extreme;
  readonly route: Route;
}

function ExtremeCard({ title, name, figure, route }: ExtremeCardProps): JSX.Element {
  return (
    <Card title={title} value={percent(figure.avg)} unit="avg" name={name}>
      max <b>{percent(figure.max)}</b>
      <ServerLink server={figure.at} route={route} />
    </Card>
  );
}

interface ServerLinkProps {
  readonly server: ServerSummary | null;
  readonly route: Route;
}

function ServerLink({ server, route }: ServerLinkProps): JSX.Element | null {
  if (server === null) return null;
  const { id, server_id } = server;
  return (
    <a
      class="text"
      href={formatRoute({ ...route, view: { page: 'server', id } })}
      title={`${server_id} has the maximum`}
    >
      {server_id}
    </a>
  );
}
