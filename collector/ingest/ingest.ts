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
import type { SourceCheckpoint } from '../windows/source.ts';
import type { ServerWindow } from '../windows/window.ts';
import { Checkpoints } from './checkpoints.ts';
import { Closing } from './closing.ts';
import { type IngestCounts, noCounts } from './counts.ts';
import { FleetFrontier } from './fleet-frontier.ts';
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

/** Fleet windows made in one tick; a long backlog of them is made over several. */
const fleetDueMax = 200;

export class Ingest {
  readonly counts: IngestCounts = noCounts();
  readonly engine: WindowEngine;
  readonly #options: IngestOptions;
  readonly #closing: Closing;
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
    this.#intake = new Intake({
      ...options,
      engine: this.engine,
      counts: this.counts,
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
      remote,
      receivedMs: clock.wallMs(),
      touched: new Set(),
      stored: 0,
      duplicates: 0,
      quarantined: 0,
      dropped: batch.header.dropped ?? 0,
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
  openRestored(source: Source, restored: SourceCheckpoint): void {
    source.lastSeenMonotonicMs = this.#options.clock.monotonicMs();
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

  #advance(source: Source, header: BatchHeader): void {
    const isAbout = !source.replayed && header.server_id === source.serverId;
    const pendingFromMs = isAbout ? header.pending_from_ms : undefined;
    const clampMs = source.clampMs(this.#options.clock.wallMs());
    this.engine.advance(source.sourceNo, pendingFromMs, clampMs);
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
