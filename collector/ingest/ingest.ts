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
import type { RawRecord, RecordPlace } from '../../wire/records/record.ts';
import type { PublishedWindow } from '../cluster/results/port.ts';
import type { FleetStart, Group } from '../store/group.ts';
import { quarantineRowsMax } from '../store/statements.ts';
import type { StoreWriter } from '../store/writer.ts';
import { type EngineOptions, WindowEngine } from '../windows/engine.ts';
import type { ServerWindow } from '../windows/window.ts';
import { Accounting } from './accounting.ts';
import type { Alerting } from './alerting.ts';
import { Checkpoints } from './checkpoints.ts';
import { Closing } from './closing.ts';
import { type IngestCounts, noCounts } from './counts.ts';
import { FleetFrontier } from './fleet-frontier.ts';
import {
  asFarAsRead,
  countAt,
  type LogSide,
  type Origin,
  type RecordsPlace,
  remoteOf,
} from './from-log.ts';
import { Intake } from './intake.ts';
import type { IngestObserver, Intaking } from './intaking.ts';
import { LaneWait } from './lane-wait.ts';
import { OwnClock } from './own-clock.ts';
import { Quarantine, type Rejected, textOf } from './quarantine.ts';
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
  /** Where records come from; absent on the direct transport. */
  readonly fromLog?: LogSide;
}

/** Fleet windows made in one tick; a long backlog of them is made over several. */
const fleetDueMax = 200;

export class Ingest {
  readonly counts: IngestCounts = noCounts();
  readonly engine: WindowEngine;
  readonly ownClock: OwnClock;
  readonly #options: IngestOptions;
  readonly #closing: Closing;
  readonly #accounting: Accounting;
  readonly #intake: Intake;
  readonly #quarantine: Quarantine;
  readonly #fleet = new FleetFrontier();
  readonly #checkpoints = new Checkpoints();
  readonly #laneWait: LaneWait | undefined;
  /** Windows since the last commit, to be told to other collectors. */
  #made: PublishedWindow[] = [];
  #writer: StoreWriter | undefined;

  constructor(options: IngestOptions) {
    this.#options = options;
    const { fromLog } = options;
    this.#laneWait = fromLog === undefined ? undefined : new LaneWait(fromLog);
    this.engine = new WindowEngine(options.windows, (window) => this.#onWindow(window));
    this.ownClock = new OwnClock(options.clock, options.log);
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
      onReplayEnd: (sourceId, slot) => {
        this.#closing.endReplay(sourceId, slot);
        this.#takeFleetDue(Infinity);
      },
    });
  }

  /** The writer calls back for checkpoints, so the two are joined after both exist. */
  attach(writer: StoreWriter): void {
    this.#writer = writer;
  }

  /** @throws WindrowError when nothing can be stored; the sender keeps the batch. */
  async accept(batch: DecodedBatch, from: Origin): Promise<BatchAck> {
    this.#store.assertReady();
    const taken = this.take(batch, from);
    await this.#store.committed();
    return { ...taken, now: this.#options.clock.wallMs() };
  }

  /** Into memory, at once; what is to be stored waits for the next commit. Never throws. */
  take(batch: DecodedBatch, from: Origin): Omit<BatchAck, 'now'> {
    const intaking = this.#begin(batch, from);
    this.#takeRecords(batch, intaking);
    if (from.log?.isReread !== true) this.#accounting.header(intaking);
    this.#hearAnnouncement(intaking);
    for (const source of intaking.touched) this.#advance(source, intaking.receivedMs);
    const { stored, duplicates, quarantined } = intaking;
    return { stored, duplicates, quarantined };
  }

  /**
   * These slots of the log are another collector's now: what was derived from them is forgotten.
   * @returns the sources that are not ours any longer
   */
  release(slots: ReadonlySet<number>): Source[] {
    const all = [...this.#options.registry.all()];
    const released = all.filter((source) => source.isOurs && source.leave(slots));
    this.letGo(released);
    return released;
  }

  /** These sources are another collector's now. */
  letGo(sources: readonly Source[]): void {
    for (const source of sources) {
      const closedThroughMs = this.engine.closedThroughMs(source.sourceNo);
      this.#close(source);
      source.release(closedThroughMs);
      this.#options.observer.serverChanged(source);
    }
    this.#made = this.#made.filter(({ source }) => source.isOurs);
  }

  /**
   * Nothing comes of this source here any longer, and another collector makes its windows that end
   * later than this. @returns whether all that was made here is on its way to the others
   */
  closeThrough(source: Source, throughMs: number): boolean {
    this.#closing.closeThrough(source, throughMs);
    return !this.#made.some((made) => made.source === source);
  }

  /** Lets go what no open window needs any longer. */
  closeHolds(): void {
    const holds = this.#options.fromLog?.holds;
    for (const sourceNo of holds?.sources() ?? []) {
      holds?.closed(sourceNo, this.engine.closedThroughMs(sourceNo));
    }
  }

  /** The windows of our sources made since the last call, in order; after the commit that holds them. */
  takeMade(): PublishedWindow[] {
    const made = this.#made;
    this.#made = [];
    return made.filter(({ source }) => source.isOurs);
  }

  /**
   * Takes a server off the lists, out of fleet windows and alerts, until it sends again. Its history
   * stays. @throws WindrowError when that cannot be stored
   */
  async decommission(source: Source): Promise<void> {
    this.#store.assertReady();
    this.takeOut(source);
    await this.#store.committed();
  }

  /** The same in memory; it is stored with the next commit. */
  takeOut(source: Source): void {
    source.decommissioned = true;
    this.#options.alerts?.ended(source, 'decommissioned');
    if (source.isOurs) this.engine.closeIdle(source.sourceNo);
    source.idleClosed = true;
    this.#checkpoints.source(source);
    this.#options.observer.serverChanged(source);
  }

  /** Sources with samples or windows that wait for the commit. */
  waitingSources(): ReadonlySet<number> {
    const { samples, windows, othersWindows } = this.#store.group;
    const numbers = new Set(samples.sourceNumbers());
    for (const sourceNo of this.#store.handedOver?.sourceNumbers() ?? []) numbers.add(sourceNo);
    for (const { window } of windows) numbers.add(window.source);
    for (const { window } of othersWindows) numbers.add(window.source);
    return numbers;
  }

  /** Frees what memory holds of a source that is gone from the store, so that nothing brings it back there. */
  forget(source: Source): void {
    const { group } = this.#store;
    group.sources.delete(source.sourceNo);
    for (const { bootNo } of source.boots.values()) group.boots.delete(bootNo);
    this.#close(source);
    this.#checkpoints.forget(source);
    this.#options.alerts?.forget(source);
  }

  /** A window that another collector made of a server of its own. */
  takeOthersWindow(window: ServerWindow, skewed: boolean): void {
    const source = this.#options.registry.get(window.source);
    if (source === undefined) return;
    this.#store.group.othersWindows.push({ window, skewed });
    if (!skewed) this.#noteFleet(source, window);
  }

  /** Once a second: closes idle servers and old replays, and makes the fleet windows that are due. */
  tick(): void {
    this.#closing.tick();
    this.ownClock.tick(this.#options.registry.all());
    if (this.#options.fromLog?.isCaughtUp() ?? true) {
      for (const source of this.#laneWait?.tick() ?? []) {
        this.#advance(source, this.#options.clock.wallMs());
      }
      this.#takeFleetDue(fleetDueMax);
    }
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

  /** A source as it was at the last commit; what a log tells again is not opened before it does. */
  openRestored(source: Source, { engine: restored, senders, clockOffsetMs }: SourceState): void {
    const { clock, fromLog } = this.#options;
    const nowMs = clock.monotonicMs();
    // Whether it was silent meanwhile is known when the log has been read.
    const silentMs = fromLog === undefined ? 0 : Math.max(0, clock.wallMs() - source.lastSeenMs);
    source.lastSeenMonotonicMs = nowMs - silentMs;
    // The first batch after a restart may be one that was long on its way.
    if (clockOffsetMs !== null) source.clockOffset.note(clockOffsetMs, nowMs);
    if (senders !== undefined) source.senders.restore(senders, nowMs);
    if (fromLog !== undefined) {
      return source.release(restored.closedThroughMs ?? Number.NEGATIVE_INFINITY);
    }
    const { originMs, replayed } = source;
    restored.newestMsByLane.forEach((ms, lane) => {
      if (ms !== null) source.noteLane({ lane }, nowMs);
    });
    this.engine.open(source.sourceNo, { originMs, replayed, restored });
  }

  get #store(): StoreWriter {
    if (this.#writer === undefined) throw new Error('ingest runs before attach()');
    return this.#writer;
  }

  #begin({ header }: DecodedBatch, { remote, log }: Origin): Intaking {
    const { clock } = this.#options;
    const nowMs = clock.wallMs();
    // It came when it was sent, or soon after; a clock that is ahead tells nothing of the future.
    const receivedMs = log?.isPast === true ? Math.min(header.sent_at, nowMs) : nowMs;
    return {
      header,
      isLatecomer: this.#about(header)?.announced.isLatecomer(header) === true,
      remote,
      nowMs,
      receivedMs,
      receivedMonotonicMs: clock.monotonicMs() - (nowMs - receivedMs),
      log,
      place: undefined,
      fed: undefined,
      newestMs: Number.NEGATIVE_INFINITY,
      touched: new Set(),
      stored: 0,
      duplicates: 0,
      quarantined: 0,
    };
  }

  #takeRecords(batch: DecodedBatch, intaking: Intaking): void {
    for (const { line, reason, place } of batch.malformed) {
      this.#reject(intaking, { reason, topic: place?.topic, body: line, place });
    }
    // What nobody sent together was only read together, and may be read otherwise another time.
    const isOneByOne = intaking.log !== undefined && batch.header.server_id === undefined;
    for (const record of batch.records) {
      intaking.fed = undefined;
      const reason = this.#takeRecord(record, intaking);
      if (isOneByOne && intaking.fed !== undefined) {
        this.#advance(intaking.fed, intaking.receivedMs);
      }
      if (reason === undefined) continue;
      const { topic, place } = record;
      this.#reject(intaking, { reason, topic, body: textOf(record.value), place });
    }
  }

  /** One record must never stop the stream, whatever it makes the code behind it do. */
  #takeRecord(record: RawRecord, intaking: Intaking): string | undefined {
    try {
      intaking.place = record.place;
      return this.#intake.take(decodeRecord(record, intaking.receivedMs), intaking);
    } catch (error) {
      this.#options.log.error({ error: messageOf(error) }, 'a record could not be taken in');
      return `cannot be taken in: ${messageOf(error)}`;
    }
  }

  #reject(
    intaking: Intaking,
    { place, ...rejected }: Rejected & { readonly place: RecordPlace | undefined },
  ): void {
    const { log, receivedMs: atMs } = intaking;
    if (log?.isReread === true) return;
    this.counts.quarantined += 1;
    intaking.quarantined += 1;
    const remote = place === undefined ? intaking.remote : remoteOf(intaking.remote, place);
    this.#putAside({ ...rejected, remote, atMs });
  }

  /** Of a log: a record that is none of its topic's kind, or what cannot be read. */
  rejectAt(place: RecordsPlace, { reason, body }: { reason: string; body: string }): void {
    this.counts.quarantined += countAt(place);
    const { topic } = place;
    const atMs = this.#options.clock.wallMs();
    this.#putAside({ reason, topic, body, remote: remoteOf('kafka', place), atMs });
  }

  /** What cannot be read waits for nothing: more than is kept does not wait for its commit either. */
  #putAside(rejected: Parameters<Quarantine['row']>[0]): void {
    const { quarantine } = this.#store.group;
    if (quarantine.length >= quarantineRowsMax) quarantine.shift();
    quarantine.push(this.#quarantine.row(rejected));
  }

  /** Also a batch of repeats, or a goodbye, may be the word that nothing waits any longer. */
  #hearAnnouncement({ header, touched, log, newestMs }: Intaking): void {
    const source = this.#about(header);
    if (source?.isOurs !== true) return;
    source.announced.hear(log === undefined ? header : asFarAsRead(header, newestMs));
    if (log?.isReread !== true) this.#checkpoints.source(source);
    touched.add(source);
  }

  /** The live server whose sender speaks in the header. */
  #about({ server_id: serverId }: BatchHeader): Source | undefined {
    return serverId === undefined ? undefined : this.#options.registry.find(serverId, '');
  }

  #advance(source: Source, nowMs: number): void {
    if (this.#laneWait?.isOn(source) === true) return;
    const { pendingFromMs } = source.announced;
    this.engine.advance(source.sourceNo, pendingFromMs, source.clockAt(nowMs));
  }

  /** Frees what the engine and the log hold of it. */
  #close(source: Source): void {
    if (source.isOurs) this.engine.remove(source.sourceNo);
    this.#laneWait?.forget(source);
    this.#options.fromLog?.holds.forget(source.sourceNo);
  }

  #onWindow(window: ServerWindow): void {
    const source = this.#options.registry.get(window.source);
    if (source === undefined) return;
    this.counts.windows += 1;
    const { group } = this.#store;
    const { skewed } = source;
    group.windows.push({ window, skewed });
    if (this.#options.fromLog !== undefined) {
      const { closedThroughMs: throughMs, firstPaneMs } = this.engine.closed(window.source);
      // Told of each as far as it goes itself: of those behind it nobody may hear yet.
      const closedThroughMs = window.final ? window.endMs : throughMs;
      this.#made.push({ source, window, skewed, closed: { closedThroughMs, firstPaneMs } });
    }
    this.#options.alerts?.window(source, window);
    if (!skewed) this.#noteFleet(source, window);
  }

  #noteFleet({ originMs }: Source, { startMs, endMs }: ServerWindow): void {
    const start = { originMs, startMs, endMs };
    if (this.#fleet.note(start)) this.#store.group.fleetPending.push(start);
  }

  #takeFleetDue(countMax: number): void {
    const due = this.#fleet.takeDue(this.#closing.progress(), countMax);
    this.#store.group.fleetDue.push(...due);
  }
}
