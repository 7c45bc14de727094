/** How an alert looks wherever it is mentioned. Colour and shape never say it alone: the word does. */
import type { JSX } from 'preact';
import { plural } from '../../../runtime/plural.ts';
import type { AlertSummary } from '../../api/contract.ts';
import { severityCounts } from '../lib/alerts.ts';
import { ago, duration, moment } from '../lib/format.ts';
import { formatRoute, type Route } from '../lib/route.ts';

export function SeverityTag({ severity }: Pick<AlertSummary, 'severity'>): JSX.Element {
  return (
    <span class="severity" data-severity={severity}>
      {severity}
    </span>
  );
}

interface MarkProps {
  /** Of one server, the worst first. */
  readonly firing: readonly AlertSummary[];
  readonly route: Route;
}

/** In a server's row: what fires there, and the way to why. */
export function AlertMark({ firing, route }: MarkProps): JSX.Element | null {
  const [worst] = firing;
  if (worst === undefined) return null;
  const view =
    firing.length === 1
      ? ({ page: 'alert', id: worst.id } as const)
      : ({ page: 'alerts', server: worst.server_no } as const);
  return (
    <a
      class="alert-mark"
      href={formatRoute({ ...route, view })}
      aria-label={`${plural(firing.length, 'alert')}, ${severityCounts(firing)}`}
      title={firing.map(({ rule, reason }) => `${rule}: ${reason}`).join('\n')}
      // The row leads to the server, this to the alert.
      onClick={(event) => event.stopPropagation()}
    >
      <span class="severity" data-severity={worst.severity}>
        <span class="number">{firing.length}</span>
        <span class="words">{severityCounts(firing)}</span>
      </span>
    </a>
  );
}

interface TimeProps {
  readonly ms: number;
  readonly nowMs: number;
}

/** How long ago; when exactly, for who points at it. */
export function Ago({ ms, nowMs }: TimeProps): JSX.Element {
  return (
    <time dateTime={new Date(ms).toISOString()} title={moment(ms, nowMs)}>
      {ago(nowMs - ms)}
    </time>
  );
}

export function Moment({ ms, nowMs }: TimeProps): JSX.Element {
  return (
    <time dateTime={new Date(ms).toISOString()} title={ago(nowMs - ms)}>
      {moment(ms, nowMs)}
    </time>
  );
}

/** For how long it was, or has been, what it is. */
export function lasted({ starts_at, fired_at, ended_at }: AlertSummary, nowMs: number): string {
  return duration(((ended_at ?? nowMs) - (fired_at ?? starts_at)) / 1000);
}
