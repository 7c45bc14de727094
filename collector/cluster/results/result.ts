/** Windows as records of `window-results`, and back. Pure. */
import { METRICS } from '../../../wire/metrics.ts';
import type { WindowResult } from '../../../wire/records/window-result.ts';
import { WIRE_VERSION } from '../../../wire/version.ts';
import { stateOf } from '../../api/present.ts';
import type { Source } from '../../ingest/source.ts';
import type { StoredResult } from '../../store/results.ts';
import type { Closed } from '../../windows/source.ts';
import type { ServerWindow } from '../../windows/window.ts';

/** This collector, as the others know it. */
export interface Self {
  /** The member of the group. */
  readonly id: string;
  /** Of this process: random. */
  readonly run: string;
  /** Where its page is; http or https. */
  readonly url: string;
}

/** What a record tells besides its window: of its source as it is now. */
export type Standing = Pick<
  WindowResult,
  | 'closed_through_ms'
  | 'first_pane_ms'
  | 'lacks_before_ms'
  | 'state'
  | 'clock_offset_ms'
  | 'last_seen_ms'
  | 'slot'
  | 'owner'
>;

export function standingOf(
  source: Source,
  closed: Closed,
  { self, nowMs }: { self: Self; nowMs: number },
): Standing {
  return {
    closed_through_ms: closed.closedThroughMs,
    first_pane_ms: closed.firstPaneMs,
    ...(Number.isFinite(source.lacksBeforeMs) ? { lacks_before_ms: source.lacksBeforeMs } : {}),
    state: stateOf(source, nowMs),
    clock_offset_ms: source.clockOffsetMs,
    last_seen_ms: source.lastSeenMs,
    slot: onlyOf(source.slots),
    owner: { ...self, server_no: source.sourceNo },
  };
}

function onlyOf(slots: ReadonlySet<number>): number | null {
  const [slot = null] = slots;
  return slots.size === 1 ? slot : null;
}

export function resultOf(
  source: Source,
  { window, skewed }: { window: ServerWindow; skewed: boolean },
  standing: Standing,
): WindowResult {
  const metrics: WindowResult['metrics'] = {};
  METRICS.forEach((metric, i) => {
    const figures = window.aggregates[i] ?? null;
    if (figures !== null) metrics[metric] = figures;
  });
  return {
    v: WIRE_VERSION,
    server_id: source.serverId,
    ...(source.replayed ? { source: source.replayId } : {}),
    origin_ms: source.originMs,
    start_ms: window.startMs,
    end_ms: window.endMs,
    samples: window.samples,
    final: window.final,
    incomplete: window.incomplete,
    warm_up: window.warmUp,
    skewed,
    metrics,
    ...standing,
  };
}

export function windowOf(result: WindowResult, sourceNo: number): ServerWindow {
  return {
    source: sourceNo,
    startMs: result.start_ms,
    endMs: result.end_ms,
    samples: result.samples,
    aggregates: METRICS.map((metric) => result.metrics[metric] ?? null),
    final: result.final,
    incomplete: result.incomplete,
    warmUp: result.warm_up,
  };
}

/**
 * Makes a source that is not ours look as its owner tells it; the averages of its newest window
 * stand for the values of a newest sample. What is older than what is known already changes nothing.
 */
export function apply(source: Source, { result, others }: StoredResult, nowMs: number): void {
  source.toldThroughMs = Math.max(source.toldThroughMs, result.end_ms);
  // A clock that is ahead must not make the server heard for ever.
  const lastSeenMs = Math.min(result.last_seen_ms, nowMs);
  if (lastSeenMs < source.lastSeenMs) return;
  source.lastSeenMs = lastSeenMs;
  source.off = result.state === 'off' && !source.replayed;
  source.closed = result.state === 'off' && source.replayed;
  source.decommissioned = result.state === 'decommissioned';
  source.idleClosed = true;
  source.clockOffsetMs = result.clock_offset_ms;
  const { id, url, server_no: sourceNo } = result.owner;
  source.lastSlot = result.slot ?? source.lastSlot;
  source.owner = others ? { id, url, sourceNo } : undefined;
  if (result.end_ms < source.newestMs) return;
  source.newestMs = result.end_ms;
  source.values = METRICS.map((metric) => result.metrics[metric]?.avg ?? Number.NaN);
}
