/**
 * From a batch to the store: decode, drop repeats, feed the windows, gather for the commit,
 * acknowledge. All state is changed in memory at once and synchronously; the acknowledgment waits
 * for the commit that holds it.
 */
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { BatchAck, BatchHeader, DecodedBatch } from '../../wire/records/batch.ts';
import { decodeRecord } from '../../wire/records/decode.ts';
import type { Sender } from '../../wire/transport/port.ts';
import type { FleetStart, Group } from '../store/group.ts';
import type { StoreWriter } from '../store/writer.ts';
import { type EngineOptions, WindowEngine } from '../windows/engine.ts';
import type { SourceCheckpoint } from '../windows/source.ts';
import type { ServerWindow } from '../windows/window.ts';
import { Checkpoints } from './checkpoints.ts';
import { type IngestCounts, noCounts } from './counts.ts';
import { FleetFrontier, type Progress } from './fleet-frontier.ts';
import { Intake, type Intaking, type IngestObserver } from './intake.ts';
import { Quarantine } from './quarantine.ts';
import type { Registry } from './registry.ts';
import type { Source } from './source.ts';

export interface IngestOptions {
  readonly registry: Registry;
  readonly windows: EngineOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: IngestObserver;
}

/** A server is idle after this without arrival, or five of its intervals. */
const idleMsMin = 30_000;
const idleIntervals = 5;
/** The longest interval at which an agent samples; a longer gap is an outage. */
const intervalMsMax = 60_000;

export class Ingest {
  readonly counts: IngestCounts = noCounts();
  readonly engine: WindowEngine;
  readonly #options: IngestOptions;
  readonly #intake: Intake;
  readonly #quarantine: Quarantine;
  readonly #fleet = new FleetFrontier();
  readonly #checkpoints = new Checkpoints();
  #writer: StoreWriter | undefined;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.engine = new WindowEngine(options.windows, (window) => this.#onWindow(window));
    this.#quarantine = new Quarantine(options.log, options.clock);
    this.#intake = new Intake({
      ...options,
      engine: this.engine,
      counts: this.counts,
      checkpoints: this.#checkpoints,
      group: () => this.#store.group,
      onReplayEnd: (sourceId) => this.#endReplay(sourceId),
    });
  }

  /** The writer calls back for checkpoints, so the two are joined after both exist. */
  attach(writer: StoreWriter): void {
    this.#writer = writer;
  }

  /** @throws WindrowError when nothing can be stored; the sender keeps the batch. */
  async accept(batch: DecodedBatch, { remote }: Sender): Promise<BatchAck> {
    this.#store.assertReady();
    const { clock } = this.#options;
    const intaking: Intaking = {
      remote,
      receivedMs: clock.wallMs(),
      touched: new Set(),
      stored: 0,
      duplicates: 0,
      quarantined: 0,
    };
    this.#takeRecords(batch, intaking);
    this.#intake.header(batch.header, intaking);
    for (const source of intaking.touched) this.#advance(source, batch.header);
    await this.#store.committed();
    const { stored, duplicates, quarantined } = intaking;
    return { stored, duplicates, quarantined, now: clock.wallMs() };
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
    this.#checkpoints.addTo(group, this.engine);
  }

  /** A fleet window that a previous run of the program still owed. */
  restorePending(start: FleetStart): void {
    this.#fleet.note(start);
  }

  /** Declares a source to the engine as it was at the last commit. */
  openRestored(source: Source, restored: SourceCheckpoint): void {
    source.lastSeenMonotonicMs = this.#options.clock.monotonicMs();
    const { originMs, replayed } = source;
    this.engine.open(source.sourceNo, { originMs, replayed, restored });
  }

  get #store(): StoreWriter {
    if (this.#writer === undefined) throw new Error('ingest runs before attach()');
    return this.#writer;
  }

  #takeRecords(batch: DecodedBatch, intaking: Intaking): void {
    for (const { line, reason } of batch.malformed) this.#reject(intaking, { reason, body: line });
    for (const record of batch.records) {
      const decoded = decodeRecord(record, intaking.receivedMs);
      const reason = this.#intake.take(decoded, intaking);
      if (reason === undefined) continue;
      const body = JSON.stringify(record.value);
      this.#reject(intaking, { reason, topic: record.topic, body });
    }
  }

  #reject(
    intaking: Intaking,
    rejected: { reason: string; topic?: string | undefined; body: string },
  ): void {
    this.counts.quarantined += 1;
    intaking.quarantined += 1;
    const { remote, receivedMs: atMs } = intaking;
    this.#store.group.quarantine.push(this.#quarantine.row({ ...rejected, remote, atMs }));
  }

  #advance(source: Source, header: BatchHeader): void {
    const isAbout = !source.replayed && header.server_id === source.serverId;
    const pendingFromMs = isAbout ? header.pending_from_ms : undefined;
    this.engine.advance(source.sourceNo, pendingFromMs, this.#options.clock.wallMs());
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
    this.#checkpoints.source(source);
    this.engine.closeIdle(source.sourceNo);
  }

  #endReplay(sourceId: string): void {
    for (const source of this.#options.registry.all()) {
      if (source.replayId === sourceId) this.#finish(source);
    }
    this.#takeFleetDue();
  }

  #finish(source: Source): void {
    this.engine.finish(source.sourceNo);
    source.closed = true;
    this.#checkpoints.source(source);
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
    this.#store.group.fleetDue.push(...this.#fleet.takeDue(this.#progress()));
  }

  *#progress(): Generator<Progress> {
    const { registry, windows } = this.#options;
    for (const source of registry.all()) {
      // All its topics must have passed; a server without samples, +∞ then, holds nobody up.
      const newestMs = this.engine.checkpoint(source.sourceNo).newestMsByLane;
      const passedMs = Math.min(...newestMs.map((ms) => ms ?? Infinity));
      yield {
        originMs: source.originMs,
        watermarkMs: passedMs - windows.latenessMs,
        active: !source.closed && !source.idleClosed && !source.skewed,
      };
    }
  }
}
