/**
 * One stream of samples: a live server, or one server of a replayed file. Holds what is known of
 * it in memory; a checkpoint of it goes into each commit that changed it.
 */
import type { Counters } from '../../wire/records/decoded.ts';
import { METRICS } from '../../wire/metrics.ts';
import { intervalBetween, rateOver } from '../../runtime/rates.ts';
import type { SourceCheckpoint } from '../windows/source.ts';
import { Announced, type AnnouncedState } from './announced.ts';
import { CatchUp } from './catch-up.ts';
import { ClockOffset } from './clock-offset.ts';
import { type DeliveryCounts, noDelivery } from './counts.ts';
import { Senders, type SendersState } from './senders.ts';
import { Sequence, type SequenceState } from './sequence.ts';

/** Boots of one server that are remembered; the longest unheard is forgotten. */
export const bootsMax = 16;

export interface Boot {
  readonly bootNo: number;
  readonly bootId: string;
  readonly sequence: Sequence;
  /** When its first sample came, ms since the epoch; null when an older windrow did not note it. */
  readonly firstHeardMs: number | null;
  /** Event time of its sample number 0; null while that has not come. */
  startedMs: number | null;
  /** When a new sample of it last came, monotonic; the longest unheard makes room for others. */
  lastHeardMs: number;
}

/** What a restart needs to know of a boot. */
export interface BootState extends SequenceState {
  /** Absent in what an older windrow wrote. */
  readonly firstHeardMs?: number | null;
  readonly startedMs?: number | null;
}

export interface StoredBoot {
  readonly bootNo: number;
  readonly bootId: string;
  readonly state: BootState;
}

export interface SourceIdentity {
  readonly sourceNo: number;
  readonly serverId: string;
  /** '' for a live server, else the SHA-256 of the replayed file. */
  readonly replayId: string;
  readonly originMs: number;
}

/** What a restart needs to know of a source. */
export interface SourceState {
  readonly engine: SourceCheckpoint;
  /** Null when no sample has come yet: JSON has no −∞. */
  readonly newestMs: number | null;
  readonly off: boolean;
  readonly closed: boolean;
  readonly clockOffsetMs: number | null;
  /** Null where a counter was absent: JSON has no NaN. */
  readonly counters: {
    readonly tsMs: number;
    readonly values: Readonly<Record<keyof Counters, number | null>>;
  } | null;
  readonly values: readonly (number | null)[];
  /** These are absent in what an older windrow wrote. */
  readonly delivery?: DeliveryCounts;
  readonly senders?: SendersState;
  readonly decommissioned?: boolean;
  readonly goodbyeBootId?: string | null;
  readonly announced?: AnnouncedState;
}

const skewMsMax = 5_000;

export class Source implements SourceIdentity {
  readonly sourceNo: number;
  readonly serverId: string;
  readonly replayId: string;
  readonly originMs: number;
  readonly boots = new Map<string, Boot>();
  readonly senders = new Senders();
  readonly catchUp = new CatchUp();
  readonly announced = new Announced();
  readonly clockOffset = new ClockOffset();
  /** Since its first sample, restarts of this program included. */
  readonly delivery: DeliveryCounts = noDelivery();

  lastSeenMs = 0;
  lastSeenMonotonicMs = 0;
  newestMs = Number.NEGATIVE_INFINITY;
  /** In METRICS order, of the newest sample. */
  values: number[] = METRICS.map(() => Number.NaN);
  /** Between its two newest samples. */
  intervalMs = 1_000;
  /** Said goodbye. */
  off = false;
  /** The boot that said the last goodbye. */
  goodbyeBootId: string | undefined;
  /** A replay that has ended: nothing more comes. */
  closed = false;
  idleClosed = false;
  /** Taken off the lists by a person, until it sends again. */
  decommissioned = false;
  /** The sender's clock minus ours, as `clockOffset` told last; null where the format does not tell. */
  clockOffsetMs: number | null = null;
  #counters: { tsMs: number; values: Counters } | null = null;
  /** Lane → when it was last heard, monotonic. */
  readonly #laneHeardMs = new Map<number, number>();
  #datedHere = false;

  constructor(identity: SourceIdentity) {
    this.sourceNo = identity.sourceNo;
    this.serverId = identity.serverId;
    this.replayId = identity.replayId;
    this.originMs = identity.originMs;
  }

  get replayed(): boolean {
    return this.replayId !== '';
  }

  /** Its clock is so far off that its windows would stand beside the wrong ones of others. */
  get skewed(): boolean {
    return !this.replayed && Math.abs(this.clockOffsetMs ?? 0) > skewMsMax;
  }

  /**
   * What the watermark may not pass: the collector's clock, so that a sender's clock that jumped
   * ahead cannot make everything after it late. A date that we put to a time of day ourselves may
   * lie up to 12 hours ahead, and says nothing of a clock.
   */
  clampMs(nowMs: number): number {
    return this.#datedHere ? Infinity : nowMs;
  }

  noteLane({ lane, datedHere }: { lane: number; datedHere?: boolean }, nowMs: number): void {
    this.#laneHeardMs.set(lane, nowMs);
    this.#datedHere = datedHere === true;
  }

  /** Lanes that nothing came on since `sinceMs` while others went on; each is told once. */
  takeSilentLanes(sinceMs: number): number[] {
    const silent = [...this.#laneHeardMs].filter(([, heardMs]) => heardMs < sinceMs);
    for (const [lane] of silent) this.#laneHeardMs.delete(lane);
    return silent.map(([lane]) => lane);
  }

  /** Fills in the rates of cumulative counters; the first reading, and one after a reset, has none. */
  fillRates(tsMs: number, counters: Counters, values: number[]): void {
    const previous = this.#counters;
    if (previous !== null && tsMs <= previous.tsMs) return;
    this.#counters = { tsMs, values: counters };
    if (previous === null) return;
    const interval = intervalBetween({ monotonicMs: previous.tsMs }, { monotonicMs: tsMs });
    const rate = (before: number, now: number): number => {
      const result = rateOver(interval, before, now);
      return 'perSecond' in result ? result.perSecond : Number.NaN;
    };
    values[METRICS.indexOf('net_in')] = rate(previous.values.netIn, counters.netIn);
    values[METRICS.indexOf('net_out')] = rate(previous.values.netOut, counters.netOut);
    values[METRICS.indexOf('disk_io')] = rate(previous.values.diskIo, counters.diskIo);
  }

  /** Keeps the newest value of each metric; formats that send one metric at a time fill in the others. */
  noteValues(tsMs: number, values: readonly number[]): void {
    if (tsMs < this.newestMs) return;
    if (tsMs > this.newestMs) {
      if (Number.isFinite(this.newestMs)) this.intervalMs = tsMs - this.newestMs;
      this.newestMs = tsMs;
    }
    values.forEach((value, i) => {
      if (!Number.isNaN(value)) this.values[i] = value;
    });
  }

  checkpoint(engine: SourceCheckpoint): SourceState {
    return {
      engine,
      newestMs: Number.isFinite(this.newestMs) ? this.newestMs : null,
      off: this.off,
      closed: this.closed,
      clockOffsetMs: this.clockOffsetMs,
      counters: this.#counters,
      values: this.values.map((value) => (Number.isNaN(value) ? null : value)),
      delivery: { ...this.delivery },
      senders: this.senders.checkpoint(),
      decommissioned: this.decommissioned,
      goodbyeBootId: this.goodbyeBootId ?? null,
      announced: this.announced.checkpoint(),
    };
  }

  restore(state: SourceState, boots: readonly StoredBoot[]): void {
    this.newestMs = state.newestMs ?? Number.NEGATIVE_INFINITY;
    this.off = state.off;
    // What was off had its windows closed; what was silent may only have missed this program.
    this.goodbyeBootId = state.goodbyeBootId ?? undefined;
    this.decommissioned = state.decommissioned ?? false;
    this.idleClosed = state.off || this.decommissioned;
    this.closed = state.closed;
    this.clockOffsetMs = state.clockOffsetMs;
    this.#counters = restoredCounters(state.counters);
    this.values = state.values.map((value) => value ?? Number.NaN);
    Object.assign(this.delivery, state.delivery);
    if (state.announced !== undefined) this.announced.restore(state.announced);
    for (const boot of boots) this.boots.set(boot.bootId, restoredBoot(boot));
  }
}

function restoredBoot({ bootNo, bootId, state }: StoredBoot): Boot {
  const { firstHeardMs = null, startedMs = null } = state;
  const sequence = new Sequence(state);
  return { bootNo, bootId, sequence, firstHeardMs, startedMs, lastHeardMs: 0 };
}

function restoredCounters(
  stored: SourceState['counters'],
): { tsMs: number; values: Counters } | null {
  if (stored === null) return null;
  const { netIn, netOut, diskIo } = stored.values;
  const values = {
    netIn: netIn ?? Number.NaN,
    netOut: netOut ?? Number.NaN,
    diskIo: diskIo ?? Number.NaN,
  };
  return { tsMs: stored.tsMs, values };
}
