/** Takes in one record after the other: changes the state in memory and gathers rows for the commit. */
import type { Clock } from '../../runtime/clock.ts';
import { futureMsMax } from '../../wire/limits.ts';
import type { BatchHeader } from '../../wire/records/batch.ts';
import type { Decoded, DecodedSample } from '../../wire/records/decoded.ts';
import type { Inventory } from '../../wire/records/inventory.ts';
import type { Group } from '../store/group.ts';
import type { WindowEngine } from '../windows/engine.ts';
import { type Accounting, senderIn } from './accounting.ts';
import type { Alerting } from './alerting.ts';
import type { Checkpoints } from './checkpoints.ts';
import { type Registry, sourcesMax } from './registry.ts';
import type { Boot, Source } from './source.ts';

/** Sees what arrives, for the live page; must not throw. */
export interface IngestObserver {
  sample(source: Source, sample: DecodedSample, values: readonly number[]): void;
  /** New, or its state, clock or senders are others now. */
  serverChanged(source: Source): void;
  /** Counts of it changed, or how much of it still waits; may come with each batch. */
  deliveryChanged(source: Source): void;
  connectionTest(from: string): void;
}

export interface IntakeOptions {
  readonly registry: Registry;
  readonly engine: WindowEngine;
  readonly accounting: Accounting;
  readonly checkpoints: Checkpoints;
  readonly observer: IngestObserver;
  readonly alerts?: Alerting;
  readonly clock: Clock;
  /** What waits for the next commit. */
  readonly group: () => Group;
  readonly onReplayEnd: (sourceId: string) => void;
}

/** One batch on its way in. */
export interface Intaking {
  readonly header: BatchHeader;
  /** It comes behind a batch that was sent later: what it says of its sender is no news. */
  readonly isLatecomer: boolean;
  readonly remote: string;
  readonly receivedMs: number;
  /** Sources of which something new came. */
  readonly touched: Set<Source>;
  stored: number;
  duplicates: number;
  quarantined: number;
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
        this.#goodbye(decoded, batch);
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
    const boot = this.#options.accounting.sequence(source, sample, batch);
    if (boot === 'duplicate') return undefined;
    this.#heard(source, sample.identity?.bootId, batch);
    source.noteLane(sample, this.#options.clock.monotonicMs());
    if (sample.sentMs !== undefined)
      this.#options.accounting.noteClock(source, sample.sentMs - batch.receivedMs);
    const values = [...sample.values];
    if (sample.counters !== undefined) source.fillRates(sample.tsMs, sample.counters, values);
    source.noteValues(sample.tsMs, values);
    this.#store(source, { sample, values, boot }, batch);
    this.#options.observer.sample(source, sample, values);
    this.#options.alerts?.sample(source, sample);
    return undefined;
  }

  #store(
    source: Source,
    taken: { sample: DecodedSample; values: number[]; boot: Boot | undefined },
    batch: Intaking,
  ): void {
    const { engine, group } = this.#options;
    const { sample, values, boot } = taken;
    this.#options.accounting.count(source, 'received', 1);
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
    if (added === 'late') this.#options.accounting.count(source, 'late', 1);
  }

  #inventory(inventory: Inventory, batch: Intaking): string | undefined {
    const source = this.#source(inventory.server_id, '', 0);
    if (source === undefined) return tooManyServers;
    this.#heard(source, inventory.boot_id, batch);
    const body = JSON.stringify(inventory);
    this.#options.group().inventories.push({ sourceNo: source.sourceNo, body });
    return undefined;
  }

  /**
   * Only the boot that sends now can say it: an older one's goodbye may have waited for long, or
   * been kept by the network. Of the boot itself it is the last word, whatever its clock shows.
   */
  #goodbye({ serverId, bootId }: { serverId: string; bootId: string }, batch: Intaking): void {
    const { registry, checkpoints, engine, observer } = this.#options;
    const source = registry.find(serverId, '');
    if (source === undefined) return;
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

  /** The source, made when new; undefined when there are too many. */
  #source(serverId: string, replayId: string, originMs: number): Source | undefined {
    const { registry, engine } = this.#options;
    const known = registry.find(serverId, replayId);
    if (known !== undefined || registry.full) return known;
    const source = registry.create({ serverId, replayId, originMs });
    engine.open(source.sourceNo, { originMs, replayed: source.replayed });
    return source;
  }

  #heard(source: Source, bootId: string | undefined, batch: Intaking): void {
    if (batch.touched.has(source)) return;
    const { checkpoints, clock, observer } = this.#options;
    batch.touched.add(source);
    checkpoints.source(source);
    const sender = senderIn(batch.header, source) ?? bootId;
    // What a boot sends after its own goodbye is its backlog: the server is off all the same.
    const isOther = sender === undefined || sender !== source.goodbyeBootId;
    const isBack = source.off && isOther && !batch.isLatecomer;
    this.#options.accounting.noteSender(source, batch);
    const changed = isBack || source.decommissioned || source.lastSeenMs === 0;
    if (isBack) source.off = false;
    source.decommissioned = false;
    source.idleClosed = false;
    source.lastSeenMs = batch.receivedMs;
    source.lastSeenMonotonicMs = clock.monotonicMs();
    if (changed) observer.serverChanged(source);
  }
}
