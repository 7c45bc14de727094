/**
 * Collectors that share one topic, each with a real database. What they take in does not come from
 * a group here: the test says whose a server is, and a new owner reads all of it again.
 * The test uses fake timers, so that commits, sends and reads happen when it says so.
 */
import type { DatabaseSync } from 'node:sqlite';
import { vi } from 'vitest';
import { createKeptLog, type LogLine } from '../../../../runtime/testing/kept-log.ts';
import type { ManualClock } from '../../../../runtime/testing/manual-clock.ts';
import type { BatchHeader } from '../../../../wire/records/batch.ts';
import type { RawRecord } from '../../../../wire/records/record.ts';
import { WIRE_VERSION } from '../../../../wire/version.ts';
import type { Log } from '../../../../wire/transport/log/port.ts';
import { tableCsv, FLEET_TABLE, WINDOWS_TABLE } from '../../../commands/tables.ts';
import { Ingest } from '../../../ingest/ingest.ts';
import { Registry } from '../../../ingest/registry.ts';
import { WINDOWS } from '../../../ingest/testing/rig.ts';
import { openForWriting } from '../../../store/database.ts';
import { storedFleetWindows, storedWindows } from '../../../store/history.ts';
import { StoreWriter } from '../../../store/writer.ts';
import type { EngineOptions } from '../../../windows/engine.ts';
import { ClusterResults } from '../results.ts';

export interface CollectorOptions {
  readonly dataDir: string;
  readonly id: string;
  readonly topicLog: Pick<Log, 'producer' | 'reader'>;
  readonly clock: ManualClock;
  /** What it has instead of `WINDOWS`. */
  readonly windows?: Partial<EngineOptions>;
}

export interface SendOptions extends Partial<BatchHeader> {
  /** It is in the store already. */
  readonly isReread?: boolean;
}

export interface SharingCollector {
  readonly db: DatabaseSync;
  readonly registry: Registry;
  readonly ingest: Ingest;
  readonly writer: StoreWriter;
  readonly results: ClusterResults;
  readonly lines: readonly LogLine[];
  /** What the page was told: `changed NAME`, `window NAME`. */
  readonly told: readonly string[];
  /** Takes records in, each server in a slot of its own; committed and handed over when it resolves. */
  send(records: readonly RawRecord[], options?: SendOptions): Promise<void>;
  /** Seconds pass, with the collector's tick at the end of each. */
  pass(seconds: number): Promise<void>;
  /** Its servers are others' now. */
  release(): void;
  /** Exports of all windows, and of all fleet windows, a line each. */
  windows(): readonly string[];
  fleet(): readonly string[];
  /** Ends as kill -9 would: what was not committed or published is gone. */
  kill(): Promise<void>;
}

/** Everything that is on its way arrives. */
export async function settle(): Promise<void> {
  for (let step = 0; step < 6; step += 1) await vi.advanceTimersByTimeAsync(25);
}

const everything = { fromMs: -1e15, toMs: 1e15 };
const slot = 0;

export function startCollector(options: CollectorOptions): SharingCollector {
  const { dataDir, id, topicLog, clock } = options;
  const windows = { ...WINDOWS, ...options.windows };
  const db = openForWriting(dataDir);
  db.exec('PRAGMA synchronous = OFF');
  const { log, lines } = createKeptLog();
  const registry = new Registry();
  const told: string[] = [];
  const changed = (source: { serverId: string }) => void told.push(`changed ${source.serverId}`);
  const ingest: Ingest = new Ingest({
    registry,
    windows,
    clock,
    log,
    observer: {
      sample: () => {},
      serverChanged: changed,
      deliveryChanged: () => {},
      connectionTest: () => {},
    },
    fromLog: {
      holds: {
        sources: () => [],
        panes: () => 0,
        note: () => {},
        closed: () => {},
        forget: () => {},
      },
      known: (serverId, replayId) => results.known(serverId, replayId),
      hasSlot: () => true,
      came: () => {},
      lacks: (source) => results.lacks(source),
      isCaughtUp: () => true,
      heardThroughMs: () => Infinity,
      othersHeardThroughMs: () => results.heardThroughMs,
    },
  });
  const writer = new StoreWriter({
    db,
    clock,
    log,
    beforeCommit: (group) => ingest.checkpoint(group),
    inCommit: () => {},
    onCommit: () => results.publish(ingest.takeMade()),
  });
  ingest.attach(writer);
  for (const { source } of registry.restore(db)) source.release();
  const results = new ClusterResults({
    topicLog,
    db,
    writer,
    registry,
    windows,
    clock,
    log,
    self: { id, run: `run-${Math.random().toString(36).slice(2)}`, url: `http://${id}:7861` },
    observer: {
      serverChanged: changed,
      windowOf: (source) => void told.push(`window ${source.serverId}`),
    },
    takeWindow: (window, skewed) => ingest.takeOthersWindow(window, skewed),
    decommission: (source) => ingest.takeOut(source),
    hasSlot: () => true,
    heardThroughMs: () => Infinity,
    closeThrough: () => true,
    moved: () => {},
    reject: (place, rejected) => ingest.rejectAt(place, rejected),
  });
  results.start();
  return {
    db,
    registry,
    ingest,
    writer,
    results,
    lines,
    told,
    async send(records, { isReread = false, ...header } = {}) {
      const batch = {
        header: { v: WIRE_VERSION, sent_at: clock.wallMs(), ...header },
        records,
        malformed: [],
      } as const;
      const fromLog = {
        slot,
        isReread,
        isPast: false,
        isPrompt: true,
        hasGap: false,
        isCut: false,
      };
      ingest.take(batch, { remote: 'kafka', log: fromLog });
      const committed = writer.committed();
      await settle();
      await committed;
    },
    async pass(seconds) {
      for (let second = 0; second < seconds; second += 1) {
        clock.advance(1_000);
        ingest.tick();
        results.tick(true);
      }
      await settle();
    },
    release: () => results.release(ingest.release(new Set([slot]))),
    windows: () => [...tableCsv(WINDOWS_TABLE, storedWindows(db, everything))],
    fleet: () => [...tableCsv(FLEET_TABLE, storedFleetWindows(db, everything))],
    async kill() {
      db.close();
      const stopped = results.stop();
      await settle();
      await stopped;
    },
  };
}
