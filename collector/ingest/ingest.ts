/**
 * From a batch to the store: decode, drop repeats, feed the windows, gather for the commit,
 * acknowledge. All state is changed in memory at once and synchronously; the acknowledgment waits
 * for the commit that holds it.
 */
import type { Clock } from '../../runtime/clock.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { BatchAck, BatchHeader, DecodedBatch } from '../../wire/records/batch.ts';
import { decodeRecord } from '../../wire/records/decode.ts';
import type { RawRecord } from '../../wire/records/record.ts';
import type { Sender } from '../../wire/transport/port.ts';
import type { FleetStart, Group } from '../store/group.ts';
import type { StoreWriter } from '../store/writer.ts';
import { type EngineOptions, WindowEngine } from '../windows/engine.ts';
import type { ServerWindow } from '../windows/window.ts';
import { Accounting } from './accounting.ts';
import type { Alerting } from './alerting.ts';
import { Checkpoints } from './checkpoints.ts';
import { Closing } from './closing.ts';
import { type IngestCounts, noCounts } from './counts.ts';
import { FleetFrontier } from './fleet-frontier.ts';
import { Intake, type Intaking, type IngestObserver } from './intake.ts';
import { Quarantine } from './quarantine.ts';
import type { Registry } from './registry.ts';
import type { Source, SourceState } from './source.ts';

export interface IngestOptions {
  readonly registry: Registry;
  readonly windows: EngineOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: IngestObserver;
  /** Absent: nobody judges. */
  readonly alerts?: Alerting;
}

/** Fleet windows made in one tick; a long backlog of them is made over several. */
const fleetDueMax = 200;

export class Ingest {
  readonly counts: IngestCounts = noCounts();
  readonly engine: WindowEngine;
  readonly #options: IngestOptions;
  readonly #closing: Closing;
  readonly #accounting: Accounting;
  readonly #intake: Intake;
  readonly #quarantine: Quarantine;
  readonly #fleet = new FleetFrontier();
  readonly #checkpoints = new Checkpoints();
  #writer: StoreWriter | undefined;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.engine = new WindowEngine(options.windows, (window) => this.#onWindow(window));
    this.#quarantine = new Quarantine(options.log, options.clock);
    this.#closing = new Closing({
      ...options,
      engine: this.engine,
      checkpoints: this.#checkpoints,
    });
    this.#accounting = new Accounting({
      ...options,
      counts: this.counts,
      checkpoints: this.#checkpoints,
    });
    this.#intake = new Intake({
      ...options,
      engine: this.engine,
      accounting: this.#accounting,
      checkpoints: this.#checkpoints,
      group: () => this.#store.group,
      onReplayEnd: (sourceId) => {
        this.#closing.endReplay(sourceId);
        this.#takeFleetDue(Infinity);
      },
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
      header: batch.header,
      isLatecomer: this.#about(batch.header)?.announced.isLatecomer(batch.header) === true,
      remote,
      receivedMs: clock.wallMs(),
      touched: new Set(),
      stored: 0,
      duplicates: 0,
      quarantined: 0,
    };
    this.#takeRecords(batch, intaking);
    this.#accounting.header(intaking);
    this.#hearAnnouncement(intaking);
    for (const source of intaking.touched) this.#advance(source);
    await this.#store.committed();
    const { stored, duplicates, quarantined } = intaking;
    return { stored, duplicates, quarantined, now: clock.wallMs() };
  }

  /**
   * Takes a server off the lists, out of fleet windows and alerts, until it sends again. Its history
   * stays. @throws WindrowError when that cannot be stored
   */
  async decommission(source: Source): Promise<void> {
    this.#store.assertReady();
    source.decommissioned = true;
    this.#options.alerts?.ended(source, 'decommissioned');
    this.engine.closeIdle(source.sourceNo);
    source.idleClosed = true;
    this.#checkpoints.source(source);
    this.#options.observer.serverChanged(source);
    await this.#store.committed();
  }

  /** Sources with samples or windows that wait for the commit. */
  waitingSources(): ReadonlySet<number> {
    const { samples, windows } = this.#store.group;
    const numbers = new Set(samples.map(({ sourceNo }) => sourceNo));
    for (const { window } of windows) numbers.add(window.source);
    return numbers;
  }

  /** Frees what memory holds of a source that is gone from the store, so that nothing brings it back there. */
  forget(source: Source): void {
    const { group } = this.#store;
    group.sources.delete(source.sourceNo);
    for (const { bootNo } of source.boots.values()) group.boots.delete(bootNo);
    this.engine.remove(source.sourceNo);
    this.#checkpoints.forget(source);
    this.#options.alerts?.forget(source);
  }

  /** Once a second: closes idle servers and old replays, and makes the fleet windows that are due. */
  tick(): void {
    this.#closing.tick();
    this.#takeFleetDue(fleetDueMax);
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
  openRestored(source: Source, { engine: restored, senders, clockOffsetMs }: SourceState): void {
    source.lastSeenMonotonicMs = this.#options.clock.monotonicMs();
    // The first batch after a restart may be one that was long on its way.
    if (clockOffsetMs !== null) source.clockOffset.note(clockOffsetMs, source.lastSeenMonotonicMs);
    if (senders !== undefined) source.senders.restore(senders, source.lastSeenMonotonicMs);
    const { originMs, replayed } = source;
    restored.newestMsByLane.forEach((ms, lane) => {
      if (ms !== null) source.noteLane({ lane }, source.lastSeenMonotonicMs);
    });
    this.engine.open(source.sourceNo, { originMs, replayed, restored });
  }

  get #store(): StoreWriter {
    if (this.#writer === undefined) throw new Error('ingest runs before attach()');
    return this.#writer;
  }

  #takeRecords(batch: DecodedBatch, intaking: Intaking): void {
    for (const { line, reason } of batch.malformed) this.#reject(intaking, { reason, body: line });
    for (const record of batch.records) {
      const reason = this.#takeRecord(record, intaking);
      if (reason === undefined) continue;
      this.#reject(intaking, { reason, topic: record.topic, body: textOf(record.value) });
    }
  }

  /** One record must never stop the stream, whatever it makes the code behind it do. */
  #takeRecord(record: RawRecord, intaking: Intaking): string | undefined {
    try {
      return this.#intake.take(decodeRecord(record, intaking.receivedMs), intaking);
    } catch (error) {
      this.#options.log.error({ error: messageOf(error) }, 'a record could not be taken in');
      return `cannot be taken in: ${messageOf(error)}`;
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

  /** Also a batch of repeats, or a goodbye, may be the word that nothing waits any longer. */
  #hearAnnouncement({ header, touched }: Intaking): void {
    const source = this.#about(header);
    if (source === undefined) return;
    source.announced.hear(header);
    this.#checkpoints.source(source);
    touched.add(source);
  }

  /** The live server whose sender speaks in the header. */
  #about({ server_id: serverId }: BatchHeader): Source | undefined {
    return serverId === undefined ? undefined : this.#options.registry.find(serverId, '');
  }

  #advance(source: Source): void {
    const clampMs = source.clampMs(this.#options.clock.wallMs());
    this.engine.advance(source.sourceNo, source.announced.pendingFromMs, clampMs);
  }

  #onWindow(window: ServerWindow): void {
    const source = this.#options.registry.get(window.source);
    if (source === undefined) return;
    this.counts.windows += 1;
    const { group } = this.#store;
    group.windows.push({ window, skewed: source.skewed });
    this.#options.alerts?.window(source, window);
    if (source.skewed) return;
    const start = { originMs: source.originMs, startMs: window.startMs, endMs: window.endMs };
    if (this.#fleet.note(start)) group.fleetPending.push(start);
  }

  #takeFleetDue(countMax: number): void {
    const due = this.#fleet.takeDue(this.#closing.progress(), countMax);
    this.#store.group.fleetDue.push(...due);
  }
}

/** What is kept of a malformed record; nothing in it may make that fail. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '(too deeply nested to be shown)';
  }
}
