/**
 * One stream of samples: a live server, or one server of a replayed file. Holds what is known of
 * it in memory; a checkpoint of it goes into each commit that changed it.
 */
import { skewMsMax } from '../../wire/limits.ts';
import type { Counters } from '../../wire/records/decoded.ts';
import type { RecordPlace } from '../../wire/records/record.ts';
import { METRICS } from '../../wire/metrics.ts';
import { intervalBetween, rateOver } from '../../runtime/rates.ts';
import type { SourceClock } from '../windows/engine.ts';
import type { SourceCheckpoint } from '../windows/source.ts';
import { lanesMax } from '../windows/watermark.ts';
import { Announced, type AnnouncedState } from './announced.ts';
import { CatchUp } from './catch-up.ts';
import { ClockOffset } from './clock-offset.ts';
import { type DeliveryCounts, noDelivery } from './counts.ts';
import { Senders, type SendersState } from './senders.ts';
import { Sequence, type SequenceState } from './sequence.ts';

/** Boots of one server in memory; those longest unheard are looked up in the store when they come again. */
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
  /** Samples of it have gone to another collector: its numbers go on at what its sender still has. */
  hasGap: boolean;
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
  /** '' for a live server, else what its replay is called: a SHA-256. */
  readonly replayId: string;
  readonly originMs: number;
}

/** The collector that takes in a server's samples. */
export interface Owner {
  /** The member of the group that it is. */
  readonly id: string;
  /** Where its page is; http or https. */
  readonly url: string;
  /** Its own number of the source, as its page's address has it. */
  readonly sourceNo: number;
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
  readonly lastSlot?: number | null;
  readonly lacksBeforeMs?: number | null;
}

/** Of cumulative counters. */
interface Reading {
  readonly tsMs: number;
  readonly values: Counters;
  /** Where in a log it is. */
  readonly place: RecordPlace | undefined;
}

export class Source implements SourceIdentity {
  readonly sourceNo: number;
  readonly serverId: string;
  readonly replayId: string;
  readonly originMs: number;
  readonly boots = new Map<string, Boot>();
  readonly senders = new Senders();
  readonly catchUp = new CatchUp();
  announced = new Announced();
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
  /**
   * Its samples come to this collector, and it is open in the engine. Where several collectors share
   * a log it is false until its slot is ours and a record of it has come, and again when the slot
   * goes: then it is idle-closed, and what is shown of it comes from `window-results`.
   */
  isOurs = true;
  /** Slots of the log that its records came in since it is ours: one, where they have keys. */
  readonly slots = new Set<number>();
  /** How far its windows were final here when it was last ours; −∞ where it never was. */
  closedHereMs = Number.NEGATIVE_INFINITY;
  /** While it is another's: its windows that end by then were made here, or told; −∞: none. */
  toldThroughMs = Number.NEGATIVE_INFINITY;
  #closedByAnyMs = Number.NEGATIVE_INFINITY;
  /** Windows that begin before this may lack samples that the log has lost; −∞: none does. */
  lacksBeforeMs = Number.NEGATIVE_INFINITY;
  /** What came of it before it became ours is in another partition. */
  hasMoved = false;
  /** Newest of what was known of it when it became ours. */
  newestBeforeMs = Number.NEGATIVE_INFINITY;
  /** The slot that its records came in last, at whichever collector; undefined on the direct transport. */
  lastSlot: number | undefined = undefined;
  /** By boot: what came of what is read again from the log. */
  readonly reread = new Map<string, Sequence>();
  /** Whose it is as the newest record of `window-results` says; undefined where nobody else said so. */
  owner: Owner | undefined = undefined;
  /** The sender's clock minus ours, as `clockOffset` told last; null where the format does not tell. */
  clockOffsetMs: number | null = null;
  #counters: Reading | null = null;
  /** Lane → when it was last heard, monotonic. */
  readonly #laneHeardMs = new Map<number, number>();
  #datedHere = false;
  /** All its lanes have been seen since it is ours, or are not waited for any longer. */
  lanesSettled = false;

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
   * What the clocks say of its windows. A date that we put to a time of day ourselves may lie up to
   * 12 hours ahead, and says nothing of a clock. Less than a skew is not worth windows of their own.
   * @param wallMs the collector's
   */
  clockAt(wallMs: number): SourceClock {
    const { steadyMs = 0 } = this.clockOffset;
    return {
      nowMs: this.#datedHere ? Infinity : wallMs,
      aheadMs: steadyMs > skewMsMax ? steadyMs : 0,
    };
  }

  /** Of the streams that a server of SEEDS A sends, some were not heard yet. */
  get lacksLanes(): boolean {
    this.lanesSettled ||= !this.#datedHere || this.#laneHeardMs.size === lanesMax;
    return !this.lanesSettled;
  }

  noteLane({ lane, datedHere }: { lane: number; datedHere?: boolean }, nowMs: number): void {
    this.#laneHeardMs.set(lane, nowMs);
    this.#datedHere = datedHere === true;
  }

  /** Since it is ours, and not silent since. */
  hasHeard(lane: number): boolean {
    return this.#laneHeardMs.has(lane);
  }

  /**
   * Lanes that nothing came on for longer than `idleMs` while others went on; each is told once.
   * @param heardThroughMs what was sent after it may only wait in the log
   */
  takeSilentLanes(idleMs: number, heardThroughMs: number): number[] {
    const newestMs = Math.min(heardThroughMs, Math.max(...this.#laneHeardMs.values()));
    const silent = [...this.#laneHeardMs].filter(([, heardMs]) => newestMs - heardMs > idleMs);
    for (const [lane] of silent) this.#laneHeardMs.delete(lane);
    return silent.map(([lane]) => lane);
  }

  /**
   * Fills in the rates of cumulative counters; the first reading, and one after a reset, has none.
   * @returns where in a log the reading is that they count from
   */
  fillRates(
    { tsMs, counters }: { readonly tsMs: number; readonly counters: Counters },
    values: number[],
    place?: RecordPlace,
  ): RecordPlace | undefined {
    const previous = this.#counters;
    if (previous !== null && tsMs <= previous.tsMs) return undefined;
    this.#counters = { tsMs, values: counters, place };
    if (previous === null) return undefined;
    const interval = intervalBetween({ monotonicMs: previous.tsMs }, { monotonicMs: tsMs });
    const rate = (before: number, now: number): number => {
      const result = rateOver(interval, before, now);
      return 'perSecond' in result ? result.perSecond : Number.NaN;
    };
    values[METRICS.indexOf('net_in')] = rate(previous.values.netIn, counters.netIn);
    values[METRICS.indexOf('net_out')] = rate(previous.values.netOut, counters.netOut);
    values[METRICS.indexOf('disk_io')] = rate(previous.values.diskIo, counters.diskIo);
    return previous.place;
  }

  /**
   * Its slot is ours, and a record of it has come: what is derived from the log begins anew.
   * @param closed.throughMs as far as anybody has closed its windows
   * @param closed.hasGap another collector took in what lies before
   * @param closed.hasMoved it came in another slot before, which another collector reads
   */
  adopt(
    slot: number,
    closed: { readonly throughMs: number; readonly hasGap: boolean; readonly hasMoved: boolean },
  ): void {
    this.isOurs = true;
    this.hasMoved = closed.hasMoved;
    this.idleClosed = this.off || this.decommissioned;
    this.slots.add(slot);
    this.lastSlot = slot;
    this.announced = new Announced();
    this.#counters = null;
    this.#laneHeardMs.clear();
    this.lanesSettled = false;
    this.#closedByAnyMs = closed.throughMs;
    this.newestBeforeMs = this.newestMs;
    for (const boot of this.boots.values()) boot.hasGap ||= closed.hasGap;
  }

  /** @returns whether it came in these slots, and in no other */
  leave(slots: ReadonlySet<number>): boolean {
    const came = this.slots.size > 0;
    for (const slot of slots) this.slots.delete(slot);
    return came && this.slots.size === 0;
  }

  /** Its slot is another collector's. @param closedThroughMs of its windows, here */
  release(closedThroughMs = this.closedHereMs): void {
    this.isOurs = false;
    this.idleClosed = true;
    this.slots.clear();
    this.reread.clear();
    this.closedHereMs = closedThroughMs;
    this.toldThroughMs = Math.max(this.toldThroughMs, closedThroughMs);
  }

  /** Another collector has it too by now: it is not silent, and not idle, though nothing comes here. */
  heardElsewhere(seenMs: number, now: { readonly wallMs: number; readonly monotonicMs: number }) {
    const lastSeenMs = Math.min(seenMs, now.wallMs);
    if (lastSeenMs <= this.lastSeenMs) return;
    this.lastSeenMs = lastSeenMs;
    this.lastSeenMonotonicMs = now.monotonicMs - (now.wallMs - lastSeenMs);
  }

  /** Another collector made this time's windows final: whether what is of then came late is not told here. */
  isClosedElsewhere(tsMs: number): boolean {
    return tsMs >= this.closedHereMs && tsMs < this.#closedByAnyMs;
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
      counters: stateOf(this.#counters),
      values: this.values.map((value) => (Number.isNaN(value) ? null : value)),
      delivery: { ...this.delivery },
      senders: this.senders.checkpoint(),
      decommissioned: this.decommissioned,
      goodbyeBootId: this.goodbyeBootId ?? null,
      announced: this.announced.checkpoint(),
      lastSlot: this.lastSlot ?? null,
      lacksBeforeMs: Number.isFinite(this.lacksBeforeMs) ? this.lacksBeforeMs : null,
    };
  }

  keepBoot(stored: StoredBoot): Boot {
    const boot = restoredBoot(stored);
    this.boots.set(boot.bootId, boot);
    return boot;
  }

  restore(state: SourceState, boots: readonly StoredBoot[]): void {
    this.newestMs = state.newestMs ?? Number.NEGATIVE_INFINITY;
    this.off = state.off;
    // What was off had its windows closed; what was silent may only have missed this program.
    this.goodbyeBootId = state.goodbyeBootId ?? undefined;
    this.decommissioned = state.decommissioned ?? false;
    this.idleClosed = state.off || this.decommissioned;
    this.closed = state.closed;
    this.lastSlot = state.lastSlot ?? undefined;
    this.lacksBeforeMs = state.lacksBeforeMs ?? Number.NEGATIVE_INFINITY;
    this.clockOffsetMs = state.clockOffsetMs;
    this.#counters = restoredCounters(state.counters);
    this.values = state.values.map((value) => value ?? Number.NaN);
    Object.assign(this.delivery, state.delivery);
    if (state.announced !== undefined) this.announced.restore(state.announced);
    for (const boot of boots) this.keepBoot(boot);
  }
}

function stateOf(reading: Reading | null): SourceState['counters'] {
  return reading === null ? null : { tsMs: reading.tsMs, values: reading.values };
}

function restoredBoot({ bootNo, bootId, state }: StoredBoot): Boot {
  const { firstHeardMs = null, startedMs = null } = state;
  const sequence = new Sequence(state);
  return { bootNo, bootId, sequence, firstHeardMs, startedMs, lastHeardMs: 0, hasGap: false };
}

function restoredCounters(stored: SourceState['counters']): Reading | null {
  if (stored === null) return null;
  const { netIn, netOut, diskIo } = stored.values;
  const values = {
    netIn: netIn ?? Number.NaN,
    netOut: netOut ?? Number.NaN,
    diskIo: diskIo ?? Number.NaN,
  };
  return { tsMs: stored.tsMs, values, place: undefined };
}
