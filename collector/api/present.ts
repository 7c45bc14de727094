/** How sources look to the page. */
import type { Clock } from '../../runtime/clock.ts';
import { METRICS } from '../../wire/metrics.ts';
import type { Sample } from '../../wire/records/sample.ts';
import { WIRE_VERSION } from '../../wire/version.ts';
import type { Source } from '../ingest/source.ts';
import type {
  CatchingUp,
  Delivery,
  MetricValues,
  ServerOwner,
  ServerState,
  ServerSummary,
} from './contract.ts';

/** A server heard within this time is up. */
export const upMs = 2 * 60 * 1000;

export function valuesOrNull(values: readonly number[]): MetricValues {
  return values.map((value) => (Number.isNaN(value) ? null : value));
}

export function summaryOf(source: Source, clock: Clock): ServerSummary {
  return {
    id: source.sourceNo,
    server_id: source.serverId,
    state: stateOf(source, clock.wallMs()),
    skewed: source.skewed,
    clock_offset_ms: source.clockOffsetMs,
    conflict: source.senders.conflict !== undefined,
    lost: source.delivery.lost,
    catch_up: catchUpOf(source, clock.monotonicMs()),
    replayed: source.replayed,
    owner: ownerOf(source),
    last_seen_ms: source.lastSeenMs,
    ts: Number.isFinite(source.newestMs) ? source.newestMs : 0,
    values: valuesOrNull(source.values),
  };
}

function ownerOf({ isOurs, owner }: Source): ServerOwner | null {
  if (isOurs || owner === undefined) return null;
  return { url: owner.url, id: owner.sourceNo };
}

function catchUpOf({ catchUp }: Source, nowMs: number): CatchingUp | null {
  const catching = catchUp.at(nowMs);
  if (catching === null) return null;
  const { waiting, leftMs } = catching;
  return { waiting, left_ms: leftMs === null ? null : Math.round(leftMs) };
}

export function deliveryOf({ delivery, senders, boots }: Source): Delivery {
  const { received, late, duplicates, lost } = delivery;
  const { currentBootId, conflict } = senders;
  const boot = boots.get(currentBootId ?? '');
  return {
    received,
    late,
    duplicates,
    lost,
    boot:
      currentBootId === undefined
        ? null
        : {
            id: currentBootId,
            first_heard_ms: boot?.firstHeardMs ?? null,
            started_ms: boot?.startedMs ?? null,
          },
    conflict:
      conflict === undefined
        ? null
        : {
            since_ms: conflict.sinceMs,
            senders: conflict.senders.map(({ bootId, remote }) => ({ boot_id: bootId, remote })),
          },
  };
}

export function stateOf(source: Source, nowMs: number): ServerState {
  if (source.decommissioned) return 'decommissioned';
  if (source.off || source.closed) return 'off';
  return nowMs - source.lastSeenMs <= upMs ? 'up' : 'silent';
}

export interface SampleParts {
  readonly serverId: string;
  readonly tsMs: number;
  readonly bootId: string;
  readonly seq: number;
  readonly values: readonly (number | null)[];
  /** JSON as the store keeps it. */
  readonly detail: string | undefined;
}

/** Puts a sample together again from its columns and its detail. */
export function composeSample(parts: SampleParts): Sample {
  const metrics: Record<string, number> = {};
  METRICS.forEach((metric, i) => {
    const value = parts.values[i];
    if (value !== null && value !== undefined && !Number.isNaN(value)) metrics[metric] = value;
  });
  const rest = parts.detail === undefined ? {} : (JSON.parse(parts.detail) as Partial<Sample>);
  return {
    v: WIRE_VERSION,
    server_id: parts.serverId,
    ts: parts.tsMs,
    boot_id: parts.bootId,
    seq: parts.seq,
    ...metrics,
    ...rest,
  };
}
