/**
 * From a batch to the store: decode, drop repeats, feed the windows, gather for the commit,
 * acknowledge. All state is changed in memory at once and synchronously; the acknowledgment waits
 * for the commit that holds it.
 */
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logging.ts';
import { futureMsMax } from '../../wire/limits.ts';
import type { BatchAck, BatchHeader, DecodedBatch } from '../../wire/records/batch.ts';
import type { Decoded, DecodedSample } from '../../wire/records/decoded.ts';
import { decodeRecord } from '../../wire/records/decode.ts';
import type { Inventory } from '../../wire/records/inventory.ts';
import type { Sender } from '../../wire/transport/port.ts';
import type { Group } from '../store/group.ts';
import type { StoreWriter } from '../store/writer.ts';
import { type EngineOptions, WindowEngine } from '../windows/engine.ts';
import type { SourceCheckpoint } from '../windows/source.ts';
import type { ServerWindow } from '../windows/window.ts';
import { type IngestCounts, noCounts } from './counts.ts';
import { FleetFrontier } from './fleet-frontier.ts';
import { Quarantine } from './quarantine.ts';
import { type Registry, sourceRow, sourcesMax } from './registry.ts';
import type { Boot, Source } from './source.ts';

/** Sees what arrives, for the live page; must not throw. */
export interface IngestObserver {
  sample(source: Source, sample: DecodedSample, values: readonly number[]): void;
  serverChanged(source: Source): void;
  connectionTest(from: string): void;
}

export interface IngestOptions {
  readonly registry: Registry;
  readonly windows: EngineOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: IngestObserver;
}

/** What one batch came to. */
interface Tally {
  stored: number;
  duplicates: number;
  quarantined: number;
}

interface Context {
  readonly remote: string;
  readonly receivedMs: number;
  readonly touched: Set<Source>;
  readonly tally: Tally;
}

const idleMsMin = 30_000;
const idleIntervals = 5;
/** The longest interval at which an agent samples; a longer gap is an outage. */
const intervalMsMax = 60_000;
const tooManyServers = `more than ${sourcesMax} servers`;

export class Ingest {
  readonly counts: IngestCounts = noCounts();
  readonly engine: WindowEngine;
  readonly #options: IngestOptions;
  readonly #quarantine: Quarantine;
  readonly #fleet = new FleetFrontier();
  readonly #dirty = new Set<Source>();
  readonly #dirtyBoots = new Map<Boot, Source>();
  #writer: StoreWriter | undefined;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.engine = new WindowEngine(options.windows, (window) => this.#onWindow(window));
    this.#quarantine = new Quarantine(options.log, options.clock);
  }

  /** The writer calls back for checkpoints, so the two are joined after both exist. */
  attach(writer: StoreWriter): void {
    this.#writer = writer;
  }

  /** @throws WindrowError when nothing can be stored; the sender keeps the batch. */
  async accept(batch: DecodedBatch, { remote }: Sender): Promise<BatchAck> {
    this.#store.assertReady();
    const tally: Tally = { stored: 0, duplicates: 0, quarantined: 0 };
    const receivedMs = this.#options.clock.wallMs();
    const context: Context = { remote, receivedMs, touched: new Set(), tally };
    for (const { line, reason } of batch.malformed) this.#reject(context, { reason, body: line });
    for (const record of batch.records) {
      const decoded = decodeRecord(record, receivedMs);
      const reason = this.#take(decoded, context);
      if (reason !== undefined) {
        this.#reject(context, { reason, topic: record.topic, body: JSON.stringify(record.value) });
      }
    }
    this.#applyHeader(batch.header, context);
    const clampMs = this.#options.clock.wallMs();
    for (const source of context.touched) {
      const pendingFromMs = isAbout(batch.header, source)
        ? batch.header.pending_from_ms
        : undefined;
      this.engine.advance(source.sourceNo, pendingFromMs, clampMs);
    }
    await this.#store.committed();
    return { ...tally, now: this.#options.clock.wallMs() };
  }

  /** Once a second: closes idle servers and old replays, and makes the fleet windows that are due. */
  tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const source of this.#options.registry.all()) this.#closeWhenIdle(source, nowMs);
    this.#takeFleetDue();
    if (this.#store.group.rows > 0) this.#store.schedule();
  }

  /** Adds checkpoints of all that changed to the group that is about to be committed. */
  checkpoint(group: Group): void {
    for (const source of this.#dirty) {
      const state = source.checkpoint(this.engine.checkpoint(source.sourceNo));
      group.sources.set(source.sourceNo, sourceRow(source, state));
    }
    for (const [boot, source] of this.#dirtyBoots) {
      group.boots.set(boot.bootNo, {
        bootNo: boot.bootNo,
        sourceNo: source.sourceNo,
        bootId: boot.bootId,
        sequence: JSON.stringify(boot.sequence.checkpoint()),
      });
    }
    this.#dirty.clear();
    this.#dirtyBoots.clear();
  }

  /** A fleet window that a previous run of the program still owed. */
  restorePending(start: { originMs: number; startMs: number; endMs: number }): void {
    this.#fleet.note(start);
  }

  /** Declares a source to the engine as it was at the last commit. */
  openRestored(source: Source, restored: SourceCheckpoint): void {
    source.lastSeenMonotonicMs = this.#options.clock.monotonicMs();
    this.engine.open(source.sourceNo, {
      originMs: source.originMs,
      replayed: source.replayed,
      restored,
    });
  }

  get #store(): StoreWriter {
    if (this.#writer === undefined) throw new Error('ingest runs before attach()');
    return this.#writer;
  }

  /** @returns why the record is quarantined, or undefined */
  #take(decoded: Decoded, context: Context): string | undefined {
    switch (decoded.kind) {
      case 'sample':
        return this.#takeSample(decoded, context);
      case 'inventory':
        return this.#takeInventory(decoded.inventory, context);
      case 'goodbye':
        return this.#takeGoodbye(decoded.serverId, decoded.bootId);
      case 'end':
        return this.#takeEnd(decoded.sourceId);
      case 'connection-test':
        this.#options.observer.connectionTest(decoded.from ?? context.remote);
        return undefined;
      case 'malformed':
        return decoded.reason;
    }
  }

  #takeSample(sample: DecodedSample, context: Context): string | undefined {
    const replayed = sample.originMs !== undefined;
    if (!replayed && sample.tsMs > context.receivedMs + futureMsMax) {
      return 'time is more than 24 h in the future';
    }
    const replayId = replayed ? (sample.identity?.bootId ?? '') : '';
    const source = this.#source(sample.serverId, replayId, sample.originMs ?? 0);
    if (source === undefined) return tooManyServers;
    if (source.originMs !== (sample.originMs ?? 0)) return 'origin_ms differs within one replay';
    const boot = this.#noteSequence(source, sample, context);
    if (boot === 'duplicate') return undefined;
    this.#touch(source, context);
    const values = [...sample.values];
    if (sample.counters !== undefined) source.fillRates(sample.tsMs, sample.counters, values);
    source.noteValues(sample.tsMs, values);
    source.received += 1;
    this.counts.received += 1;
    context.tally.stored += 1;
    const added = this.engine.add(source.sourceNo, sample.tsMs, values, sample.lane);
    if (added === 'late') this.counts.late += 1;
    this.#store.group.samples.push({
      sourceNo: source.sourceNo,
      tsMs: sample.tsMs,
      bootNo: boot?.bootNo ?? null,
      seq: sample.identity?.seq ?? null,
      values,
      detail: sample.detail,
    });
    this.#options.observer.sample(source, sample, values);
    return undefined;
  }

  #noteSequence(
    source: Source,
    sample: DecodedSample,
    context: Context,
  ): Boot | 'duplicate' | undefined {
    if (sample.identity === undefined) return undefined;
    const { bootId, seq } = sample.identity;
    const boot = this.#options.registry.boot(source, bootId, seq);
    if (!boot.sequence.add(seq)) {
      this.counts.duplicates += 1;
      context.tally.duplicates += 1;
      return 'duplicate';
    }
    this.#dirtyBoots.set(boot, source);
    return boot;
  }

  #takeInventory(inventory: Inventory, context: Context): string | undefined {
    const source = this.#source(inventory.server_id, '', 0);
    if (source === undefined) return tooManyServers;
    this.#touch(source, context);
    this.#store.group.inventories.push({
      sourceNo: source.sourceNo,
      body: JSON.stringify(inventory),
    });
    return undefined;
  }

  #takeGoodbye(serverId: string, bootId: string): undefined {
    const source = this.#options.registry.find(serverId, '');
    if (source === undefined || [...source.boots.keys()].at(-1) !== bootId) return;
    source.off = true;
    source.idleClosed = true;
    this.#dirty.add(source);
    this.engine.closeIdle(source.sourceNo);
    this.#options.observer.serverChanged(source);
  }

  #takeEnd(sourceId: string): undefined {
    for (const source of this.#options.registry.all()) {
      if (source.replayId === sourceId) this.#finish(source);
    }
    this.#takeFleetDue();
  }

  #finish(source: Source): void {
    this.engine.finish(source.sourceNo);
    source.closed = true;
    this.#dirty.add(source);
  }

  /** The source, made when new; undefined when there are too many. */
  #source(serverId: string, replayId: string, originMs: number): Source | undefined {
    const { registry } = this.#options;
    const known = registry.find(serverId, replayId);
    if (known !== undefined || registry.full) return known;
    const source = registry.create({ serverId, replayId, originMs });
    this.engine.open(source.sourceNo, { originMs, replayed: source.replayed });
    return source;
  }

  /** The source has been heard. */
  #touch(source: Source, context: Context): void {
    if (context.touched.has(source)) return;
    context.touched.add(source);
    this.#dirty.add(source);
    const changed = source.off || source.lastSeenMs === 0;
    source.off = false;
    source.idleClosed = false;
    source.lastSeenMs = context.receivedMs;
    source.lastSeenMonotonicMs = this.#options.clock.monotonicMs();
    if (changed) this.#options.observer.serverChanged(source);
  }

  #applyHeader(header: BatchHeader, context: Context): void {
    if (header.server_id === undefined || header.boot_id === undefined) return;
    const source = this.#options.registry.find(header.server_id, '');
    if (source === undefined) return;
    const wasSkewed = source.skewed;
    source.clockOffsetMs = header.sent_at - context.receivedMs;
    if (source.skewed !== wasSkewed) this.#options.observer.serverChanged(source);
    const boot = source.boots.get(header.boot_id);
    if (boot === undefined || header.oldest_outstanding_seq === undefined) return;
    const lost = boot.sequence.settleBelow(header.oldest_outstanding_seq);
    this.counts.lost += lost;
    this.#dirtyBoots.set(boot, source);
  }

  #closeWhenIdle(source: Source, nowMs: number): void {
    if (source.idleClosed || source.closed) return;
    const quietMs = nowMs - source.lastSeenMonotonicMs;
    if (source.replayed) {
      if (quietMs > this.#options.windows.paneRetentionMs) this.#finish(source);
      return;
    }
    const intervalMs = Math.min(source.intervalMs, intervalMsMax);
    if (quietMs <= Math.max(idleMsMin, idleIntervals * intervalMs)) return;
    source.idleClosed = true;
    this.#dirty.add(source);
    this.engine.closeIdle(source.sourceNo);
  }

  #onWindow(window: ServerWindow): void {
    const source = this.#options.registry.get(window.source);
    if (source === undefined) return;
    this.counts.windows += 1;
    const { group } = this.#store;
    group.windows.push({ window, skewed: source.skewed });
    if (source.skewed) return;
    const start = { originMs: source.originMs, startMs: window.startMs, endMs: window.endMs };
    if (this.#fleet.note(start)) group.fleetPending.push(start);
  }

  #takeFleetDue(): void {
    const { windows, registry } = this.#options;
    const due = this.#fleet.takeDue(progressOf(registry.all(), windows.latenessMs));
    this.#store.group.fleetDue.push(...due);
  }

  #reject(
    context: Context,
    rejected: { reason: string; topic?: string | undefined; body: string },
  ): void {
    this.counts.quarantined += 1;
    context.tally.quarantined += 1;
    this.#store.group.quarantine.push(
      this.#quarantine.row({ ...rejected, remote: context.remote, atMs: context.receivedMs }),
    );
  }
}

function isAbout(header: BatchHeader, source: Source): boolean {
  return !source.replayed && header.server_id === source.serverId;
}

function* progressOf(sources: Iterable<Source>, latenessMs: number) {
  for (const source of sources) {
    yield {
      originMs: source.originMs,
      watermarkMs: source.newestMs - latenessMs,
      active: !source.closed && !source.idleClosed && !source.skewed,
    };
  }
}
