/** What /metrics tells of servers, as numbers. */
import type { Source } from '../ingest/source.ts';
import type { ServerState } from './contract.ts';
import { stateOf } from './present.ts';
import type { ServerFigures } from './server-metrics.ts';

/** States that exclude one another, for counting: who is up with a clock far off is `skewed`. */
export type Condition = ServerState | 'skewed';

export function conditionOf(source: Source, nowMs: number): Condition {
  const state = stateOf(source, nowMs);
  return state === 'up' && source.skewed ? 'skewed' : state;
}

export function countConditions(
  sources: Iterable<Source>,
  nowMs: number,
): Record<Condition, number> {
  const counts = { up: 0, silent: 0, off: 0, skewed: 0, decommissioned: 0 };
  for (const source of sources) counts[conditionOf(source, nowMs)] += 1;
  return counts;
}

/** Of live servers that are on the lists; those of other collectors have their counts there. */
export function* liveFigures(sources: Iterable<Source>, nowMs: number): Generator<ServerFigures> {
  for (const source of sources) {
    if (source.replayed || source.decommissioned || !source.isOurs) continue;
    yield {
      ...source.delivery,
      serverId: source.serverId,
      isUp: stateOf(source, nowMs) === 'up',
      clockOffsetMs: source.clockOffsetMs,
      hasConflict: source.senders.conflict !== undefined,
      bootMs: source.boots.get(source.senders.currentBootId ?? '')?.startedMs ?? null,
    };
  }
}
