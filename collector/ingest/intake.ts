/** Takes in one record after the other: changes the state in memory and gathers rows for the commit. */
import type { Clock } from '../../runtime/clock.ts';
import { futureMsMax } from '../../wire/limits.ts';
import type { Decoded, DecodedSample } from '../../wire/records/decoded.ts';
import type { Inventory } from '../../wire/records/inventory.ts';
import type { RecordPlace } from '../../wire/records/record.ts';
import type { Group } from '../store/group.ts';
import type { EngineOptions, WindowEngine } from '../windows/engine.ts';
import { alignDown } from '../windows/watermark.ts';
import { type Accounting, senderIn } from './accounting.ts';
import type { Alerting } from './alerting.ts';
import type { Checkpoints } from './checkpoints.ts';
import { type LogSide, plausible } from './from-log.ts';
import type { IngestObserver, Intaking } from './intaking.ts';
import { type Registry, sourcesMax } from './registry.ts';
import { Sequence } from './sequence.ts';
import type { Boot, Source } from './source.ts';

export interface IntakeOptions {
  readonly registry: Registry;
  readonly engine: WindowEngine;
  readonly windows: EngineOptions;
  readonly accounting: Accounting;
  readonly checkpoints: Checkpoints;
  readonly observer: IngestObserver;
  readonly alerts?: Alerting;
  readonly clock: Clock;
  /** Absent on the direct transport. */
  readonly fromLog?: LogSide;
  /** What waits for the next commit. */
  readonly group: () => Group;
  /** `slot`: only what came in this slot of a log has ended. */
  readonly onReplayEnd: (sourceId: string, slot: number | undefined) => void;
}

const tooManyServers = `more than ${sourcesMax} servers`;

interface SourceName {
  readonly serverId: string;
  /** '' for a live server. */
  readonly replayId: string;
  readonly originMs: number;
  /** As `DecodedSample` has it. */
  readonly datedHere?: boolean;
}

/** In METRICS order, NaN is unavailable; with the rates that are known. */
type Values = DecodedSample['values'];

export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** @returns why the record is to be quarantined, or undefined */
  take(decoded: Decoded, batch: Intaking): string | undefined {
    if (decoded.kind === 'sample') return this.#sample(decoded, batch);
    if (decoded.kind === 'end') {
      this.#options.onReplayEnd(decoded.sourceId, batch.log?.slot);
      return undefined;
    }
    // It comes last: of its batch nothing waits to be read.
    if (decoded.kind === 'goodbye') batch.newestMs = Number.NEGATIVE_INFINITY;
    return batch.log?.isReread === true ? undefined : this.#takeOther(decoded, batch);
  }

  #takeOther(decoded: Exclude<Decoded, { kind: 'sample' | 'end' }>, batch: Intaking) {
    switch (decoded.kind) {
      case 'inventory':
        return this.#inventory(decoded.inventory, batch);
      case 'goodbye':
        this.#goodbye(decoded, batch);
        return undefined;
      case 'connection-test':
        this.#options.observer.connectionTest(decoded.from ?? batch.remote);
        return undefined;
      case 'malformed':
        return decoded.reason;
    }
  }

  #sample(sample: DecodedSample, batch: Intaking): string | undefined {
    const originMs = sample.originMs ?? 0;
    const replayed = sample.originMs !== undefined;
    if (!replayed && sample.tsMs > batch.nowMs + futureMsMax) {
      return 'time is more than 24 h in the future';
    }
    const replayId = replayed ? (sample.identity?.bootId ?? '') : '';
    const { serverId, datedHere = false } = sample;
    const known = this.#options.registry.find(serverId, replayId);
    if (known !== undefined && this.#isOfBefore(known, sample, batch)) {
      return this.#takeOfBefore(known, sample, batch);
    }
    const source = isOpenHere(known, batch)
      ? known
      : this.#source({ serverId, replayId, originMs, datedHere }, batch);
    if (source === undefined) return tooManyServers;
    if (source.originMs !== originMs) return 'origin_ms differs within one replay';
    if (!replayed && sample.serverId === batch.header.server_id) {
      batch.newestMs = Math.max(batch.newestMs, sample.tsMs);
    }
    if (batch.log?.isReread === true) this.#takeAgain(source, sample, batch);
    else this.#takeNew(source, sample, batch);
    return undefined;
  }

  #takeNew(source: Source, sample: DecodedSample, batch: Intaking): void {
    const { accounting, observer, alerts } = this.#options;
    const boot = accounting.sequence(source, sample, batch);
    if (boot === 'duplicate') return;
    this.#heard(source, sample.identity?.bootId, batch);
    if (source.decommissioned && sample.tsMs > source.newestBeforeMs) {
      source.decommissioned = false;
      observer.serverChanged(source);
    }
    const isPast = batch.log?.isPast === true;
    if (sample.sentMs !== undefined) accounting.noteClock(source, sample.sentMs, batch);
    const values = this.#rated(source, sample, batch);
    const isLate = this.#feed(source, sample, values, batch);
    source.noteValues(sample.tsMs, values);
    this.#store(source, sample, values, boot, batch);
    if (isLate && !(isPast && source.isClosedElsewhere(sample.tsMs)))
      accounting.count(source, 'late', 1);
    observer.sample(source, sample, values, batch.nowMs);
    alerts?.sample(source, sample);
  }

  /** Its server comes in another collector's slot by now, and this was sent before. */
  #isOfBefore(source: Source, { tsMs }: DecodedSample, { log }: Intaking): boolean {
    return !source.replayed && tsMs <= source.newestMs && this.#isElsewhere(source, log);
  }

  #isElsewhere({ isOurs, lastSlot }: Source, log: Intaking['log']): boolean {
    if (isOurs || log === undefined || lastSlot === undefined || lastSlot === log.slot)
      return false;
    return this.#options.fromLog?.hasSlot(lastSlot) === false;
  }

  /** Who has the server has its windows and alerts: it does not change hands again for what lay here. */
  #takeOfBefore(source: Source, sample: DecodedSample, batch: Intaking): undefined {
    if (batch.log?.isReread === true) return;
    const { accounting, checkpoints } = this.#options;
    const boot = accounting.sequence(source, sample, batch);
    if (boot === 'duplicate') return;
    checkpoints.source(source);
    this.#store(source, sample, sample.values, boot, batch);
  }

  #store(
    source: Source,
    sample: DecodedSample,
    values: Values,
    boot: Boot | undefined,
    batch: Intaking,
  ): void {
    this.#options.accounting.count(source, 'received', 1);
    batch.stored += 1;
    const { sourceNo } = source;
    const { tsMs, identity, detail } = sample;
    const { samples, details } = this.#options.group();
    samples.push({
      sourceNo,
      tsMs,
      bootNo: boot?.bootNo ?? null,
      seq: identity?.seq ?? null,
      values,
    });
    if (detail !== undefined) details.push({ sourceNo, tsMs, detail });
  }

  /** It is in the store: the open windows alone need it, once. */
  #takeAgain(source: Source, sample: DecodedSample, batch: Intaking): void {
    if (sample.identity !== undefined) {
      const { bootId, seq } = sample.identity;
      const sequence = source.reread.get(bootId) ?? new Sequence(undefined);
      source.reread.set(bootId, sequence);
      if (!sequence.add(seq)) return;
    }
    batch.touched.add(source);
    this.#feed(source, sample, this.#rated(source, sample, batch), batch);
  }

  #rated(source: Source, sample: DecodedSample, { place }: Intaking): Values {
    const { tsMs, counters } = sample;
    if (counters === undefined) return sample.values;
    const values = [...sample.values];
    // A rate is known only to who has read the reading before.
    this.#hold(source, tsMs, source.fillRates({ tsMs, counters }, values, place));
    return values;
  }

  /** Into the windows. @returns whether it came late */
  #feed(source: Source, sample: DecodedSample, values: Values, batch: Intaking): boolean {
    const { engine } = this.#options;
    const { tsMs } = sample;
    const isCut = batch.log?.isCut === true || source.hasMoved;
    if (isCut && !source.hasHeard(sample.lane)) this.#noteLack(source, tsMs);
    source.noteLane(sample, batch.receivedMonotonicMs);
    const isLate = engine.add(source.sourceNo, tsMs, values, sample.lane) === 'late';
    batch.fed = source;
    this.#hold(source, tsMs, batch.place);
    return isLate;
  }

  /**
   * Its log begins here, as nobody committed it: what open windows had from a topic that was deleted,
   * or whose records are gone, is in the log no longer. Behind its newest sample nothing was.
   */
  #noteLack(source: Source, fromMs: number): void {
    const { engine, windows, fromLog } = this.#options;
    const { slideMs, latenessMs } = windows;
    const newestMs = source.newestBeforeMs;
    // What goes on behind that has been read from its beginning.
    if (fromMs <= newestMs) return;
    // Its former owner may have more to read than it has told of: that comes nowhere else.
    const lacksBeforeMs = source.hasMoved
      ? fromMs
      : Math.min(fromMs, newestMs + slideMs + latenessMs);
    source.lacksBeforeMs = Math.max(source.lacksBeforeMs, lacksBeforeMs);
    engine.lacksBefore(source.sourceNo, source.lacksBeforeMs);
    fromLog?.lacks(source);
  }

  #hold(source: Source, tsMs: number, place: RecordPlace | undefined): void {
    const { fromLog, windows, engine } = this.#options;
    if (fromLog === undefined || place === undefined) return;
    const paneMs = alignDown(tsMs, source.originMs, windows.slideMs);
    if (paneMs >= engine.restoreFromMs(source.sourceNo)) {
      fromLog.holds.note(source.sourceNo, paneMs, place);
    }
  }

  /** It makes no source ours: where topics have unequal partitions its samples are another's. */
  #inventory(inventory: Inventory, batch: Intaking): string | undefined {
    const named = { serverId: inventory.server_id, replayId: '', originMs: 0 };
    const source =
      batch.log === undefined ? this.#source(named, batch) : this.#sourceOfAnybody(named, batch);
    if (source === undefined) return tooManyServers;
    if (source.isOurs) this.#heard(source, inventory.boot_id, batch);
    const body = JSON.stringify(inventory);
    this.#options.group().inventories.push({ sourceNo: source.sourceNo, body });
    return undefined;
  }

  /** The source, made when new; undefined when there are too many. */
  #sourceOfAnybody(named: SourceName, { receivedMs }: Intaking): Source | undefined {
    const { registry, checkpoints, observer } = this.#options;
    const known = registry.find(named.serverId, named.replayId);
    if (known !== undefined || registry.full) return known;
    const source = registry.create(named);
    source.isOurs = false;
    source.idleClosed = true;
    source.lastSeenMs = receivedMs;
    checkpoints.source(source);
    observer.serverChanged(source);
    return source;
  }

  /**
   * Only the boot that sends now can say it: an older one's goodbye may have waited for long, or
   * been kept by the network. Of the boot itself it is the last word, whatever its clock shows.
   */
  #goodbye({ serverId, bootId }: { serverId: string; bootId: string }, batch: Intaking): void {
    const { registry, checkpoints, engine, observer } = this.#options;
    const source = registry.find(serverId, '');
    if (source === undefined || this.#isElsewhere(source, batch.log)) return;
    const { senders } = source;
    this.#options.accounting.noteSender(source, batch);
    if (senders.currentBootId === undefined)
      this.#options.accounting.heardFrom(source, bootId, batch);
    const isKept = batch.isLatecomer && source.announced.senderBootId !== bootId;
    if (senders.currentBootId !== bootId || isKept) return;
    source.off = true;
    source.goodbyeBootId = bootId;
    source.idleClosed = true;
    checkpoints.source(source);
    this.#options.alerts?.ended(source, 'said goodbye');
    engine.closeIdle(source.sourceNo);
    observer.serverChanged(source);
  }

  /** The source, made when new, and ours from now on; undefined when there are too many. */
  #source(named: SourceName, batch: Intaking): Source | undefined {
    const { registry, engine, fromLog } = this.#options;
    const known = registry.find(named.serverId, named.replayId);
    if (known === undefined && registry.full) return undefined;
    const source = known ?? registry.create(named);
    const { sourceNo, originMs, replayed } = source;
    if (batch.log === undefined || fromLog === undefined) {
      if (known === undefined) engine.open(sourceNo, { originMs, replayed });
    } else if (known === undefined || !source.isOurs) {
      const closed = this.#closed(named, source.newestMs, fromLog);
      const restored = closed && { ...closed, newestMsByLane: [] };
      engine.open(sourceNo, { originMs, replayed, restored });
      const throughMs = closed?.closedThroughMs ?? Number.NEGATIVE_INFINITY;
      const { slot } = batch.log;
      const { lastSlot = slot } = source;
      const hasMoved = lastSlot !== slot && !fromLog.hasSlot(lastSlot);
      source.adopt(slot, { throughMs, hasGap: batch.log.hasGap, hasMoved });
      if (hasMoved) fromLog.came(source, slot);
      source.lacksBeforeMs = Math.max(source.lacksBeforeMs, closed?.lacksBeforeMs ?? -Infinity);
      engine.lacksBefore(sourceNo, source.lacksBeforeMs);
    } else if (!source.slots.has(batch.log.slot)) {
      source.slots.add(batch.log.slot);
      source.lastSlot = batch.log.slot;
    }
    return source;
  }

  /** As others told it; times of a file have nothing to do with the clock. */
  #closed(
    { serverId, replayId, datedHere = false }: SourceName,
    newestMs: number,
    fromLog: LogSide,
  ) {
    const { clock, windows } = this.#options;
    const closed = fromLog.known(serverId, replayId);
    if (closed === undefined || replayId !== '') return closed;
    const { slideMs } = windows;
    return plausible(closed, { nowMs: clock.wallMs(), newestMs, slideMs, datedHere });
  }

  #heard(source: Source, bootId: string | undefined, batch: Intaking): void {
    if (batch.touched.has(source)) return;
    const { checkpoints, observer } = this.#options;
    batch.touched.add(source);
    checkpoints.source(source);
    const sender = senderIn(batch.header, source) ?? bootId;
    // What a boot sends after its own goodbye is its backlog: the server is off all the same.
    const isOther = sender === undefined || sender !== source.goodbyeBootId;
    const isBack = source.off && isOther && !batch.isLatecomer;
    this.#options.accounting.noteSender(source, batch);
    // What waited in the log may be from before it was taken off the lists.
    const isListed = source.decommissioned && batch.log?.isPast !== true;
    const changed = isBack || isListed || source.lastSeenMs === 0;
    if (isBack) source.off = false;
    if (isListed) source.decommissioned = false;
    source.idleClosed = false;
    source.lastSeenMs = heardLast(source.lastSeenMs, batch.receivedMs, batch);
    source.lastSeenMonotonicMs = heardLast(
      source.lastSeenMonotonicMs,
      batch.receivedMonotonicMs,
      batch,
    );
    if (changed) observer.serverChanged(source);
  }
}

/** There is nothing to be done before its next sample is taken. */
function isOpenHere(source: Source | undefined, { log }: Intaking): source is Source {
  return (
    source !== undefined && (log === undefined || (source.isOurs && source.slots.has(log.slot)))
  );
}

/** What comes is the newest news, but for what waited in a log. */
function heardLast(beforeMs: number, receivedMs: number, { log }: Intaking): number {
  return log?.isPast === true ? Math.max(beforeMs, receivedMs) : receivedMs;
}
