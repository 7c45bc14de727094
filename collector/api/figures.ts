/** What /metrics tells of servers, as numbers. */
import type { Hearing } from '../alerts/hearing.ts';
import type { Source } from '../ingest/source.ts';
import type { ServerState } from './contract.ts';
import { stateOf, upMs } from './present.ts';
import type { ServerFigures } from './server-metrics.ts';

/** States that exclude one another, for counting: who is up with a clock far off is `skewed`. */
export type Condition = ServerState | 'skewed';

export function conditionOf(source: Source, nowMs: number): Condition {
  const state = stateOf(source, nowMs);
  return state === 'up' && source.skewed ? 'skewed' : state;
}

/** `unknown`: by the clock it is silent, but it could not be heard for long enough. */
export type Counted = Condition | 'unknown';

export interface CountingNow {
  readonly nowMs: number;
  readonly hearing: Pick<Hearing, 'unheardMs'>;
}

export function countConditions(
  sources: Iterable<Source>,
  now: CountingNow,
): Record<Counted, number> {
  const counts = { up: 0, silent: 0, unknown: 0, off: 0, skewed: 0, decommissioned: 0 };
  for (const source of sources) counts[countedAs(source, now)] += 1;
  return counts;
}

function countedAs(source: Source, { nowMs, hearing }: CountingNow): Counted {
  const condition = conditionOf(source, nowMs);
  return condition === 'silent' && hearing.unheardMs(source) <= upMs ? 'unknown' : condition;
}

/** Of live servers that are on the lists; those of other collectors have their counts there. */
export function* liveFigures(
  sources: Iterable<Source>,
  now: CountingNow,
): Generator<ServerFigures> {
  for (const source of sources) {
    if (source.replayed || source.decommissioned || !source.isOurs) continue;
    const counted = countedAs(source, now);
    yield {
      ...source.delivery,
      serverId: source.serverId,
      isUp: counted === 'unknown' ? undefined : counted === 'up' || counted === 'skewed',
      clockOffsetMs: source.clockOffsetMs,
      hasConflict: source.senders.conflict !== undefined,
      bootMs: source.boots.get(source.senders.currentBootId ?? '')?.startedMs ?? null,
    };
  }
}
