import type { JSX } from 'preact';
import type { ServerSummary } from '../../api/contract.ts';
import { badgesOf, catchUpText } from '../lib/delivery.ts';
import { percent, rate } from '../lib/format.ts';
import type { ShownState } from '../lib/servers.ts';

const highPct = 80;
const fullPct = 95;

/** Colour is never the only sign: the number beside it says the same. */
export function levelOf(value: number | null | undefined): 'calm' | 'high' | 'full' {
  if (typeof value !== 'number' || value < highPct) return 'calm';
  return value < fullPct ? 'high' : 'full';
}

export function Bar({ value }: { readonly value: number | null | undefined }): JSX.Element {
  if (typeof value !== 'number') return <span class="bar none-yet" aria-hidden="true" />;
  const part = Math.min(1, Math.max(0, value / 100));
  return (
    <span class="bar" data-level={levelOf(value)} aria-hidden="true">
      <i style={{ transform: `scaleX(${part.toFixed(4)})` }} />
    </span>
  );
}

interface PercentProps {
  readonly value: number | null | undefined;
  readonly why?: string | undefined;
}

export function PercentBar({ value, why }: PercentProps): JSX.Element {
  return (
    <span class="percent-bar" title={why}>
      <span class="number" data-level={levelOf(value)}>
        {percent(value)}
      </span>
      <Bar value={value} />
    </span>
  );
}

/** The unit keeps a width of its own, so that the digits of a column stand below one another. */
export function Rate({ value, why }: PercentProps): JSX.Element {
  const [digits = '', unit = ''] = rate(value).split(' ');
  return (
    <span class="rate" title={why}>
      {digits}
      <small>{unit}</small>
    </span>
  );
}

const stateWords: Readonly<Record<ShownState, string>> = {
  up: 'Heard within the last 2 minutes',
  silent: 'Not heard for 2 minutes, and it said no goodbye',
  unknown: 'The collector could not hear it since: it may be up',
  off: 'It was stopped properly',
  decommissioned: 'Taken off the lists; its history is kept until retention',
};

interface StateTagProps {
  readonly state: ShownState;
  readonly replayed: boolean;
}

/** A replay that is over is silent too, and that is nothing to look after. */
export function StateTag({ state, replayed }: StateTagProps): JSX.Element {
  if (replayed && state !== 'up') {
    return (
      <span class="state" data-state="off" title="The replay is over">
        ended
      </span>
    );
  }
  return (
    <span class="state" data-state={state} title={stateWords[state]}>
      {state}
    </span>
  );
}

interface FlagsProps {
  readonly server: ServerSummary;
  readonly state: ShownState;
}

/** What is unusual about it; a backlog is told of only while somebody sends it. */
export function Flags({ server, state }: FlagsProps): JSX.Element {
  const { catch_up: catchUp } = server;
  return (
    <>
      {badgesOf(server).map(({ text, why, warns }) => (
        <span key={text} class={warns ? 'tag warn' : 'tag'} title={why}>
          {text}
        </span>
      ))}
      {catchUp !== null && state === 'up' && (
        <span
          class="catching-up"
          title="It sends what it kept while it could not send, beside what is new"
        >
          {catchUpText(catchUp)}
        </span>
      )}
    </>
  );
}
