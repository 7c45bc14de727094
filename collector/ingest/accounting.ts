/**
 * The books of each server: who sends, what came once or again, what will never come, what still
 * waits. Counts are kept for each server and in all.
 */
import type { Clock } from '../../runtime/clock.ts';
import type { BatchHeader } from '../../wire/records/batch.ts';
import type { DecodedSample, SampleIdentity } from '../../wire/records/decoded.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { DeliveryCounts, IngestCounts } from './counts.ts';
import type { IngestObserver, Intaking } from './intaking.ts';
import type { Registry } from './registry.ts';
import type { Boot, Source } from './source.ts';

export interface AccountingOptions {
  readonly registry: Registry;
  readonly counts: IngestCounts;
  readonly checkpoints: Checkpoints;
  readonly observer: IngestObserver;
  readonly clock: Clock;
}

export class Accounting {
  readonly #options: AccountingOptions;

  constructor(options: AccountingOptions) {
    this.#options = options;
  }

  /** What the header says of its server: who sends, its clock, what waits and what will never come. */
  header(batch: Intaking): void {
    const { registry, checkpoints, observer, clock } = this.#options;
    const { header } = batch;
    if (header.server_id === undefined || header.boot_id === undefined) return;
    const source = registry.find(header.server_id, '');
    if (source === undefined) return;
    this.noteSender(source, batch);
    this.noteClock(source, header.sent_at, batch);
    checkpoints.source(source);
    if (source.catchUp.note(header.waiting ?? 0, clock.monotonicMs())) {
      observer.deliveryChanged(source);
    }
    const boot = source.boots.get(header.boot_id);
    // In a log other partitions may be ahead of the samples.
    if (batch.place !== undefined && batch.place.topic !== SAMPLES_TOPIC) return;
    // Before a sample of the boot has come nobody knows what of it went to another collector.
    if (boot === undefined || boot.hasGap || header.oldest_outstanding_seq === undefined) return;
    this.count(source, 'lost', boot.sequence.settleBelow(header.oldest_outstanding_seq));
    checkpoints.boot(boot, source);
  }

  count(source: Source, kind: keyof DeliveryCounts, count: number): void {
    this.#options.counts[kind] += count;
    source.delivery[kind] += count;
    if (count > 0 && kind !== 'received') this.#options.observer.deliveryChanged(source);
  }

  /** The header says which process sends; a batch says it once for all its records. */
  noteSender(source: Source, batch: Intaking): void {
    const bootId = senderIn(batch.header, source);
    // What the network kept, or repeats, is no sign that its sender still runs.
    if (source.announced.isOutdated(batch.header)) return;
    if (bootId !== undefined) this.heardFrom(source, bootId, batch);
  }

  heardFrom(source: Source, bootId: string, batch: Intaking): void {
    const { header, remote, receivedMs: wallMs, receivedMonotonicMs: monotonicMs } = batch;
    const sentMs = senderIn(header, source) === undefined ? undefined : header.sent_at;
    const conflicts = source.senders.heard({ bootId, remote, sentMs, wallMs, monotonicMs });
    if (conflicts) this.#options.observer.serverChanged(source);
  }

  /** @param sentMs when the batch was sent, by its sender's clock */
  noteClock(source: Source, sentMs: number, { log, receivedMs }: Intaking): void {
    // When it would have come if it had not waited nobody knows.
    if (log?.isPrompt === false) return;
    const wasSkewed = source.skewed;
    const nowMs = this.#options.clock.monotonicMs();
    source.clockOffsetMs = source.clockOffset.note(sentMs - receivedMs, nowMs);
    if (source.skewed !== wasSkewed) this.#options.observer.serverChanged(source);
  }

  sequence(
    source: Source,
    { identity, tsMs }: DecodedSample,
    batch: Intaking,
  ): Boot | 'duplicate' | undefined {
    if (identity === undefined) return undefined;
    const { checkpoints, clock } = this.#options;
    const boot =
      source.boots.get(identity.bootId) ??
      this.#options.registry.recallBoot(source, identity.bootId) ??
      this.#newBoot(source, identity, batch);
    boot.lastHeardMs = clock.monotonicMs();
    if (boot.hasGap) boot.sequence.resumeAt(identity.seq);
    boot.hasGap = false;
    const { lost } = boot.sequence;
    const isNew = boot.sequence.add(identity.seq);
    // Where the numbers have more gaps than are remembered, the lowest is given up.
    this.count(source, 'lost', boot.sequence.lost - lost);
    if (!isNew) {
      this.count(source, 'duplicates', 1);
      batch.duplicates += 1;
      checkpoints.source(source);
      return 'duplicate';
    }
    if (identity.seq === 0) boot.startedMs = tsMs;
    checkpoints.boot(boot, source);
    return boot;
  }

  /**
   * The newest samples may come first, and what waits behind them is still to come: the header says
   * from where on. Of what lies below only the sender can tell what was dropped and what an earlier
   * store had.
   */
  #newBoot(source: Source, identity: SampleIdentity, batch: Intaking): Boot {
    const { registry, clock } = this.#options;
    const { bootId, seq } = identity;
    const { header } = batch;
    const sender = senderIn(header, source);
    const { dropped = 0 } = sender !== undefined && header.boot_id === bootId ? header : {};
    // A replay is numbered from its first row; a live boot may be older than this collector.
    const oldestSeq = this.#oldestTold(source, identity, batch);
    // Of a boot of before even what its sender waited for may have gone to another collector.
    const isOfBefore = batch.log?.isPast === true && batch.log.hasGap;
    const oldestLiveSeq = isOfBefore ? seq : Math.min(oldestSeq, seq);
    const oldestComingSeq = source.replayed ? 0 : oldestLiveSeq;
    const boot = registry.createBoot(source, { bootId, oldestComingSeq, clock });
    this.count(source, 'lost', boot.sequence.noteDropped(dropped));
    // Without a header only a boot that is new tells that another process sends.
    if (sender === undefined) this.heardFrom(source, bootId, batch);
    return boot;
  }

  /** The lowest number of the boot that its sender still has, as the header tells it. */
  #oldestTold(source: Source, { bootId, seq }: SampleIdentity, { header }: Intaking): number {
    const isAbout = senderIn(header, source) !== undefined && header.boot_id === bootId;
    return (isAbout ? header.oldest_outstanding_seq : undefined) ?? seq;
  }
}

/** The boot of the process that sent the batch; undefined when the header tells nothing of this source. */
export function senderIn(header: BatchHeader, source: Source): string | undefined {
  if (source.replayed || header.server_id !== source.serverId) return undefined;
  return header.sent_by ?? header.boot_id;
}
