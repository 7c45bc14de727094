/** A collector that is killed while it reads up: what it had written ahead of a commit never counts. */
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, vi } from 'vitest';
import { databasePath } from '../../collector/store/database.ts';
import { FLAG } from '../../collector/store/schema.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import type { BatchHeader } from '../../wire/records/batch.ts';
import { BATCH_HEADER, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { topicSpecs } from '../../wire/transport/kafka/topics.ts';
import type { Log, NewLogRecord } from '../../wire/transport/log/port.ts';
import { WIRE_VERSION } from '../../wire/version.ts';
import { accountingOf } from '../chaos/outcome.ts';
import { eventually, metric } from '../support/http.ts';
import { type RunningCollector, startCollector, tempDir } from '../support/programs.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';

const never = new AbortController().signal;
const servers = 200;
const samplesOfServer = 1_000;
const samplesOfBatch = 50;
const samplesInAll = servers * samplesOfServer;
const [windowMs, slideMs, latenessMs] = [30_000, 10_000, 5_000];
/** Where a window begins, and so long ago that all of it is of the past. */
const originMs = Math.floor((Date.now() - 1_200_000) / slideMs) * slideMs;
/** Windows that end later may still change. */
const finalThroughMs = originMs + (samplesOfServer - 1) * 1_000 - latenessMs;
/** Of one server, all that are full. */
const windowsOfServer = Math.floor((finalThroughMs - originMs - windowMs) / slideMs) + 1;
const killsMax = 6;
const killsMin = 3;
/** Samples that one life may add to those that count before it is to be killed. */
const lifeSamplesMax = 20_000;
const waitMsMax = 90_000;

function sampleOf(server: string, seq: number) {
  const ts = originMs + seq * 1_000;
  const cpu_pct = (seq * 7) % 100;
  return { v: WIRE_VERSION, server_id: server, ts, boot_id: 'boot', seq, cpu_pct, mem_pct: 40 };
}

/** As an agent sends them. */
function batchOf(server: string, firstSeq: number): NewLogRecord[] {
  const timeMs = originMs + (firstSeq + samplesOfBatch - 1) * 1_000;
  const header: BatchHeader = {
    v: WIRE_VERSION,
    sent_at: timeMs,
    server_id: server,
    boot_id: 'boot',
    oldest_outstanding_seq: firstSeq,
  };
  const headers = { [BATCH_HEADER]: JSON.stringify(header) };
  return Array.from({ length: samplesOfBatch }, (_, i) => {
    const value = JSON.stringify(sampleOf(server, firstSeq + i));
    return { topic: SAMPLES_TOPIC, key: server, value, headers, timeMs };
  });
}

/** Every server's first batch, then every server's second one. */
async function fill(log: Log): Promise<void> {
  const admin = log.admin();
  const topics = { 'kafka.partitions': 6, 'kafka.replication': undefined };
  await admin.ensure(topicSpecs(topics, [SAMPLES_TOPIC]), never);
  await admin.close();
  const producer = log.producer();
  const names = Array.from({ length: servers }, (_, server) => `pc-${server}`);
  for (let seq = 0; seq < samplesOfServer; seq += samplesOfBatch) {
    await producer.send(
      names.flatMap((name) => batchOf(name, seq)),
      never,
    );
  }
  await producer.close();
}

/** A broker on which all of it waits. */
async function startFilled() {
  const cluster = await startCluster({ settings: { 'auto.create.topics.enable': false } });
  const { brokers } = cluster;
  const settings = { brokers, clientId: 'test', tls: undefined, sasl: undefined };
  await fill(createKafkaLog(settings, createKeptLog().log));
  return cluster;
}

function start(brokers: readonly string[], dataDir: string): Promise<RunningCollector> {
  return startCollector({ dataDir, args: ['--kafka', brokers.join(',')] });
}

function read<T>(dataDir: string, look: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(databasePath(dataDir), { readOnly: true });
  try {
    return look(db);
  } finally {
    db.close();
  }
}

/** All of one moment. No sample is ever taken out but at a start, so they are numbered without gaps. */
function stateOf(db: DatabaseSync) {
  const row = db
    .prepare(
      `SELECT ifnull(max(rowid), 0) AS rows, (SELECT passes FROM samples_ahead) AS passes,
       (SELECT behind_rowid FROM samples_ahead) AS behind,
       (SELECT sum(taken_through) FROM log_positions WHERE topic = ?) AS taken FROM samples`,
    )
    .get(SAMPLES_TOPIC);
  const rows = Number(row?.['rows']);
  const counted = Number(row?.['behind'] ?? rows);
  const passes = Number(row?.['passes'] ?? 0);
  return { counted, ahead: rows - counted, passes, isDone: row?.['taken'] === samplesInAll };
}

/** Its loop stands still: else it could commit between a look at the file and a kill. */
async function hold({ pid }: RunningCollector): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const state = () => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  await vi.waitFor(() => expect(state()).toBe('T'), { interval: 1 });
}

interface Moment {
  /** Of a commit that has not been written itself. */
  readonly passesMin: number;
  /** Samples of earlier commits. */
  readonly countedMin: number;
}

/** Kills it when so much has been written, or all is done. @returns what the file has then */
async function killAhead(collector: RunningCollector, { passesMin, countedMin }: Moment) {
  const { dataDir } = collector;
  const look = async (): Promise<void> => {
    try {
      await hold(collector);
      const { passes, counted, isDone } = read(dataDir, stateOf);
      if (isDone) return;
      expect(passes, collector.log()).toBeGreaterThanOrEqual(passesMin);
      expect(counted, collector.log()).toBeGreaterThanOrEqual(countedMin);
    } catch (error) {
      process.kill(collector.pid, 'SIGCONT');
      throw error;
    }
  };
  await vi.waitFor(look, { timeout: waitMsMax, interval: 10 });
  await collector.kill();
  return read(dataDir, stateOf);
}

/**
 * Starts a last one, waits until all has been taken in and is final, and compares.
 * @param before samples that count already
 */
async function expectAll(brokers: readonly string[], dataDir: string, before: number) {
  await using collector = await start(brokers, dataDir);
  const all = { taken: samplesInAll, marks: 0, windows: servers * windowsOfServer };
  await eventually(async () => {
    expect(read(dataDir, progressOf), collector.log()).toEqual(all);
    expect(await metric(collector.url, 'windrow_results_unpublished_records')).toBe(0);
  }, waitMsMax);
  const counts = ['received', 'duplicate', 'lost', 'late'].map((name) =>
    metric(collector.url, `windrow_samples_${name}_total`),
  );
  expect(await Promise.all(counts)).toEqual([samplesInAll - before, 0, 0, 0]);
  const books = [...(await accountingOf(collector.url)).values()];
  const whole = { received: samplesOfServer, duplicates: 0, lost: 0, late: 0 };
  expect(books).toEqual(Array.from({ length: servers }, () => expect.objectContaining(whole)));
  expect(await collector.stop()).toBe(0);
  expect(read(dataDir, samplesIn)).toEqual({ rows: samplesInAll, distinct: samplesInAll });
  expect(read(dataDir, windowsIn)).toEqual({
    fewest: windowMs / 1_000,
    most: windowMs / 1_000,
    incomplete: 0,
  });
}

/** As far as commits of the store tell. */
function progressOf(db: DatabaseSync) {
  return {
    ...db
      .prepare(
        `SELECT (SELECT sum(taken_through) FROM log_positions WHERE topic = ?) AS taken,
         (SELECT count(*) FROM samples_ahead) AS marks,
         (SELECT count(*) FROM windows WHERE start_ms >= ? AND end_ms <= ?
          AND flags & ${FLAG.final} <> 0) AS windows`,
      )
      .get(SAMPLES_TOPIC, originMs, finalThroughMs),
  };
}

function samplesIn(db: DatabaseSync) {
  return {
    ...db
      .prepare(
        `SELECT sum(n) AS rows, count(*) AS "distinct" FROM
         (SELECT count(*) AS n FROM samples JOIN boots USING (boot_no)
          GROUP BY boots.source_no, boot_id, seq)`,
      )
      .get(),
  };
}

/** All that have their samples. */
function windowsIn(db: DatabaseSync) {
  return {
    ...db
      .prepare(
        `SELECT min(samples) AS fewest, max(samples) AS most,
         sum(flags & ${FLAG.incomplete} <> 0) AS incomplete
         FROM windows WHERE start_ms >= ? AND end_ms <= ?`,
      )
      .get(originMs, finalThroughMs),
  };
}

describe.skipIf(kafkaMissing)('a collector that reads up', () => {
  it('killed with samples ahead of their commit, it has each of them once, and every window', async () => {
    await using cluster = await startFilled();
    using data = tempDir();
    await using killed = await start(cluster.brokers, data.path);
    // The mark stays where the first pass has set it; windows are open that need what counts already.
    const moment = { passesMin: 2, countedMin: samplesInAll / 10 };
    const { counted, ahead } = await killAhead(killed, moment);
    expect(ahead).toBeGreaterThan(0);
    await expectAll(cluster.brokers, data.path, counted);
  }, 240_000);

  it('killed again and again at any moment, it has each sample once, and every window', async () => {
    await using cluster = await startFilled();
    using data = tempDir();
    const random = seededRandom(20_261_122);
    const found = [];
    let state = { counted: 0, ahead: 0, isDone: false };
    while (found.length < killsMax && !state.isDone) {
      await using collector = await start(cluster.brokers, data.path);
      state = await killAhead(collector, {
        passesMin: Math.floor(random() * 3),
        countedMin: state.counted + 1 + Math.floor(random() * lifeSamplesMax),
      });
      found.push(state.ahead);
    }
    expect(found.length).toBeGreaterThanOrEqual(killsMin);
    expect(Math.max(...found)).toBeGreaterThan(0);
    await expectAll(cluster.brokers, data.path, state.counted);
  }, 240_000);
});
