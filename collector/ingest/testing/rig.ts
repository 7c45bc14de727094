/**
 * Ingest with a real database and a manual clock: what the collector's app wires, without HTTP.
 * The test uses fake timers, so that a commit happens when it says so.
 */
import type { DatabaseSync } from 'node:sqlite';
import { vi } from 'vitest';
import { createKeptLog, type LogLine } from '../../../runtime/testing/kept-log.ts';
import { createManualClock, type ManualClock } from '../../../runtime/testing/manual-clock.ts';
import { METRICS } from '../../../wire/metrics.ts';
import type { BatchAck, BatchHeader, DecodedBatch } from '../../../wire/records/batch.ts';
import type { RawRecord } from '../../../wire/records/record.ts';
import { WIRE_VERSION } from '../../../wire/version.ts';
import { paneRetentionMs } from '../../config.ts';
import { openForWriting } from '../../store/database.ts';
import { StoreWriter } from '../../store/writer.ts';
import type { Alerting } from '../alerting.ts';
import { Ingest } from '../ingest.ts';
import { Registry } from '../registry.ts';
import { restore } from '../restore.ts';

export const WINDOWS = {
  windowMs: 30_000,
  slideMs: 10_000,
  latenessMs: 5_000,
  paneRetentionMs,
  metricCount: METRICS.length,
};

export interface Rig {
  readonly db: DatabaseSync;
  readonly clock: ManualClock;
  readonly ingest: Ingest;
  readonly registry: Registry;
  readonly writer: StoreWriter;
  readonly lines: readonly LogLine[];
  /** What the page was told: `changed NAME`, `test NAME`. */
  readonly told: readonly string[];
  /** Sends a batch and waits until it is acknowledged or refused. */
  send(records: readonly RawRecord[], header?: Partial<BatchHeader>): Promise<BatchAck>;
  /** Hands a batch over and does not wait: it is in memory, and on no disk. */
  begin(records: readonly RawRecord[], header?: Partial<BatchHeader>): Promise<BatchAck>;
  /** Lets seconds pass, with the collector's tick in each, and commits. */
  pass(seconds: number): Promise<void>;
  /** Ends as kill -9 would: what was not committed is gone. */
  crash(): void;
}

export function startRig(
  dataDir: string,
  clock: ManualClock = createManualClock(),
  alerts?: Alerting,
): Rig {
  const db = openForWriting(dataDir);
  // These tests pull no power cord, and waiting for the disk is most of their time.
  db.exec('PRAGMA synchronous = OFF');
  const { log, lines } = createKeptLog();
  const registry = new Registry();
  const told: string[] = [];
  const observer = {
    sample: () => {},
    serverChanged: (source: { serverId: string }) => void told.push(`changed ${source.serverId}`),
    deliveryChanged: () => {},
    connectionTest: (from: string) => void told.push(`test ${from}`),
  };
  const judged = alerts === undefined ? {} : { alerts };
  const ingest = new Ingest({ registry, windows: WINDOWS, clock, log, observer, ...judged });
  const beforeCommit: Ingest['checkpoint'] = (group) => ingest.checkpoint(group);
  const writer = new StoreWriter({
    db,
    clock,
    log,
    beforeCommit,
    inCommit: () => {},
    onCommit: () => {},
  });
  ingest.attach(writer);
  restore(db, registry, ingest);

  const begin: Rig['begin'] = (records, header = {}) => {
    const batch: DecodedBatch = {
      header: { v: WIRE_VERSION, sent_at: clock.wallMs(), ...header },
      records,
      malformed: [],
    };
    return ingest.accept(batch, { remote: '10.0.0.7' });
  };
  return {
    db,
    clock,
    ingest,
    registry,
    writer,
    lines,
    told,
    begin,
    async send(records, header) {
      const answer = begin(records, header);
      // The rejection is the caller's to see, after the commit was tried.
      answer.catch(() => {});
      await vi.advanceTimersByTimeAsync(20);
      return answer;
    },
    async pass(seconds) {
      for (let i = 0; i < seconds; i += 1) {
        clock.advance(1_000);
        ingest.tick();
      }
      await vi.advanceTimersByTimeAsync(20);
    },
    crash() {
      vi.clearAllTimers();
      db.close();
    },
  };
}
