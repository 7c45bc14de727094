/** Takes in one record after the other: changes the state in memory and gathers rows for the commit. */
import type { Clock } from '../../runtime/clock.ts';
import { futureMsMax } from '../../wire/limits.ts';
import type { BatchHeader } from '../../wire/records/batch.ts';
import type { Decoded, DecodedSample } from '../../wire/records/decoded.ts';
import type { Inventory } from '../../wire/records/inventory.ts';
import type { Group } from '../store/group.ts';
import type { WindowEngine } from '../windows/engine.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { IngestCounts } from './counts.ts';
import { type Registry, sourcesMax } from './registry.ts';
import type { Boot, Source } from './source.ts';

/** Sees what arrives, for the live page; must not throw. */
export interface IngestObserver {
  sample(source: Source, sample: DecodedSample, values: readonly number[]): void;
  serverChanged(source: Source): void;
  connectionTest(from: string): void;
}

export interface IntakeOptions {
  readonly registry: Registry;
  readonly engine: WindowEngine;
  readonly counts: IngestCounts;
  readonly checkpoints: Checkpoints;
  readonly observer: IngestObserver;
  readonly clock: Clock;
  /** What waits for the next commit. */
  readonly group: () => Group;
  readonly onReplayEnd: (sourceId: string) => void;
}

/** One batch on its way in. */
export interface Intaking {
  readonly remote: string;
  readonly receivedMs: number;
  /** Sources of which something new came. */
  readonly touched: Set<Source>;
  stored: number;
  duplicates: number;
  quarantined: number;
  /** Samples that the sender says it has dropped since its start. */
  readonly dropped: number;
}

const tooManyServers = `more than ${sourcesMax} servers`;

export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** @returns why the record is to be quarantined, or undefined */
  take(decoded: Decoded, batch: Intaking): string | undefined {
    switch (decoded.kind) {
      case 'sample':
        return this.#sample(decoded, batch);
      case 'inventory':
        return this.#inventory(decoded.inventory, batch);
      case 'goodbye':
        this.#goodbye(decoded.serverId, decoded.bootId);
        return undefined;
      case 'end':
        this.#options.onReplayEnd(decoded.sourceId);
        return undefined;
      case 'connection-test':
        this.#options.observer.connectionTest(decoded.from ?? batch.remote);
        return undefined;
      case 'malformed':
        return decoded.reason;
    }
  }

  /** What the header says of its server: clock, and what will never come. */
  header(header: BatchHeader, batch: Intaking): void {
    const { registry, checkpoints, counts } = this.#options;
    if (header.server_id === undefined || header.boot_id === undefined) return;
    const source = registry.find(header.server_id, '');
    if (source === undefined) return;
    this.#noteClock(source, header.sent_at - batch.receivedMs);
    const boot = source.boots.get(header.boot_id);
    if (boot === undefined || header.oldest_outstanding_seq === undefined) return;
    counts.lost += boot.sequence.settleBelow(header.oldest_outstanding_seq);
    checkpoints.boot(boot, source);
  }

  #noteClock(source: Source, offsetMs: number): void {
    const wasSkewed = source.skewed;
    source.clockOffsetMs = offsetMs;
    if (source.skewed !== wasSkewed) this.#options.observer.serverChanged(source);
  }

  #sample(sample: DecodedSample, batch: Intaking): string | undefined {
    const originMs = sample.originMs ?? 0;
    const replayed = sample.originMs !== undefined;
    if (!replayed && sample.tsMs > batch.receivedMs + futureMsMax) {
      return 'time is more than 24 h in the future';
    }
    const replayId = replayed ? (sample.identity?.bootId ?? '') : '';
    const source = this.#source(sample.serverId, replayId, originMs);
    if (source === undefined) return tooManyServers;
    if (source.originMs !== originMs) return 'origin_ms differs within one replay';
    const boot = this.#sequence(source, sample, batch);
    if (boot === 'duplicate') return undefined;
    this.#heard(source, batch);
    source.noteLane(sample, this.#options.clock.monotonicMs());
    if (sample.sentMs !== undefined) this.#noteClock(source, sample.sentMs - batch.receivedMs);
    const values = [...sample.values];
    if (sample.counters !== undefined) source.fillRates(sample.tsMs, sample.counters, values);
    source.noteValues(sample.tsMs, values);
    this.#store(source, { sample, values, boot }, batch);
    this.#options.observer.sample(source, sample, values);
    return undefined;
  }

  #store(
    source: Source,
    taken: { sample: DecodedSample; values: number[]; boot: Boot | undefined },
    batch: Intaking,
  ): void {
    const { engine, counts, group } = this.#options;
    const { sample, values, boot } = taken;
    counts.received += 1;
    batch.stored += 1;
    group().samples.push({
      sourceNo: source.sourceNo,
      tsMs: sample.tsMs,
      bootNo: boot?.bootNo ?? null,
      seq: sample.identity?.seq ?? null,
      values,
      detail: sample.detail,
    });
    const added = engine.add(source.sourceNo, sample.tsMs, values, sample.lane);
    if (added === 'late') counts.late += 1;
  }

  #sequence(
    source: Source,
    { identity }: DecodedSample,
    batch: Intaking,
  ): Boot | 'duplicate' | undefined {
    if (identity === undefined) return undefined;
    const { registry, counts, checkpoints, clock } = this.#options;
    const isNew = !source.boots.has(identity.bootId);
    const boot = registry.boot(source, identity, clock.monotonicMs());
    // Of a boot that is new here we cannot tell a gap from what an earlier store had; its sender can.
    if (isNew) counts.lost += boot.sequence.noteDropped(batch.dropped);
    if (!boot.sequence.add(identity.seq)) {
      counts.duplicates += 1;
      batch.duplicates += 1;
      return 'duplicate';
    }
    checkpoints.boot(boot, source);
    return boot;
  }

  #inventory(inventory: Inventory, batch: Intaking): string | undefined {
    const source = this.#source(inventory.server_id, '', 0);
    if (source === undefined) return tooManyServers;
    this.#heard(source, batch);
    const body = JSON.stringify(inventory);
    this.#options.group().inventories.push({ sourceNo: source.sourceNo, body });
    return undefined;
  }

  /** Only the newest boot can say it: an older one's goodbye may have been under way for long. */
  #goodbye(serverId: string, bootId: string): void {
    const { registry, checkpoints, engine, observer } = this.#options;
    const source = registry.find(serverId, '');
    if (source === undefined || (source.newestBootId ?? bootId) !== bootId) return;
    source.off = true;
    source.idleClosed = true;
    checkpoints.source(source);
    engine.closeIdle(source.sourceNo);
    observer.serverChanged(source);
  }

  /** The source, made when new; undefined when there are too many. */
  #source(serverId: string, replayId: string, originMs: number): Source | undefined {
    const { registry, engine } = this.#options;
    const known = registry.find(serverId, replayId);
    if (known !== undefined || registry.full) return known;
    const source = registry.create({ serverId, replayId, originMs });
    engine.open(source.sourceNo, { originMs, replayed: source.replayed });
    return source;
  }

  #heard(source: Source, batch: Intaking): void {
    if (batch.touched.has(source)) return;
    const { checkpoints, clock, observer } = this.#options;
    batch.touched.add(source);
    checkpoints.source(source);
    const changed = source.off || source.lastSeenMs === 0;
    source.off = false;
    source.idleClosed = false;
    source.lastSeenMs = batch.receivedMs;
    source.lastSeenMonotonicMs = clock.monotonicMs();
    if (changed) observer.serverChanged(source);
  }
}
