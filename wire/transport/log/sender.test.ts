import { expect, it } from 'vitest';
import { WindrowError } from '../../../runtime/errors.ts';
import { aborted } from '../../../runtime/lifecycle.ts';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import { SEED_A_TOPICS } from '../../compat/seed-a-format.ts';
import { seedARecords } from '../../compat/seed-a-write.ts';
import { type Batch, recordLine } from '../../records/batch.ts';
import { BATCH_HEADER, COPY_HEADER, INVENTORY_TOPIC, SAMPLES_TOPIC } from '../../records/record.ts';
import { WIRE_VERSION } from '../../version.ts';
import { topicSpecs } from '../kafka/topics.ts';
import { batchesOf } from './batches.ts';
import { createMemoryLog } from './memory.ts';
import type { Log, NewLogRecord } from './port.ts';
import { createLogSender } from './sender.ts';

const never = new AbortController().signal;
const sentMs = Date.UTC(2026, 10, 21, 12);

it('copies in an old format go beside the samples, marked, and a collector that reads both takes each once', async () => {
  const log = createMemoryLog({ clock: createManualClock() });
  const names = [SAMPLES_TOPIC, INVENTORY_TOPIC, ...SEED_A_TOPICS];
  const topics = topicSpecs({ 'kafka.partitions': 3, 'kafka.replication': undefined }, names);
  const clock = createManualClock();
  const sender = createLogSender({ log, topics, clock, copies: seedARecords });
  const common = { v: WIRE_VERSION, server_id: 'pc', boot_id: 'b', ts: sentMs - 1_000 };
  const sample = { ...common, seq: 0, cpu_pct: 12.5, disk_io: 7 };
  const goodbye = { ...common, kind: 'goodbye' };
  const inventory = { ...common, facts: {} };
  const records = [
    { line: recordLine({ topic: SAMPLES_TOPIC, value: sample }) },
    { topic: SAMPLES_TOPIC, value: goodbye },
    { topic: INVENTORY_TOPIC, value: inventory },
  ];
  await sender.send({ header: { v: WIRE_VERSION, sent_at: sentMs }, records }, never);
  await sender.close();

  const counts = names.map((name) => [name, log.records(name).length]);
  expect(Object.fromEntries(counts)).toEqual({
    [SAMPLES_TOPIC]: 2,
    [INVENTORY_TOPIC]: 1,
    'topic-cpu': 1,
    'topic-mem': 0,
    'topic-net': 0,
    'topic-disk': 1,
  });
  const [copy] = log.records('topic-cpu');
  expect(JSON.parse(String(copy?.value))).toEqual({
    timestamp: '12:00:00',
    original_ts: '11:59:59',
    server_id: 'pc',
    cpu_pct: 12.5,
  });
  expect([String(copy?.key), copy?.timeMs]).toEqual(['pc', sentMs]);
  expect(String(copy?.headers.get(COPY_HEADER))).toBe(SAMPLES_TOPIC);
  expect(copy?.headers.has(BATCH_HEADER)).toBe(false);
  const read = names.flatMap((name) => Array.from(batchesOf(log.records(name))));
  const taken = read.flatMap(({ batch }) => batch.records.map(({ value }) => value));
  // As JSON: a plain sample is not taken apart into its fields.
  expect(JSON.parse(JSON.stringify(taken))).toEqual([sample, goodbye, inventory]);
  expect(read.flatMap(({ batch }) => batch.malformed)).toEqual([]);
  // Their offsets count: what is left out is read once.
  expect(read.find(({ topic }) => topic === 'topic-cpu')?.nextOffset).toBe(1);
});

it('what keeps samples back is told by whoever sends them alone: nothing goes beside them meanwhile', async () => {
  const memory = createMemoryLog({ clock: createManualClock() });
  const fault = 'no broker answers';
  const away = new WindrowError('unreachable', fault, { retryable: true, fault });
  const sent: NewLogRecord[] = [];
  const log: Log = {
    ...memory,
    producer: () => ({
      send: async (records) => {
        sent.push(...records);
        throw away;
      },
      close: async () => {},
    }),
  };
  const topicsOf = (...names: string[]) =>
    topicSpecs({ 'kafka.partitions': 1, 'kafka.replication': undefined }, names);
  const told: string[] = [];
  const sender = createLogSender({
    log,
    topics: topicsOf(SAMPLES_TOPIC),
    clock: createManualClock(),
    copies: seedARecords,
    beside: {
      topics: topicsOf(INVENTORY_TOPIC, ...SEED_A_TOPICS),
      trouble: () => ({
        over: () => {},
        failed: ({ message }, signal) => {
          told.push(message);
          return aborted(signal);
        },
      }),
      log: createKeptLog().log,
    },
  });
  const common = { v: WIRE_VERSION, server_id: 'pc', boot_id: 'b', ts: sentMs };
  const records = [
    { topic: SAMPLES_TOPIC, value: { ...common, seq: 0, cpu_pct: 12.5 } },
    { topic: INVENTORY_TOPIC, value: { ...common, facts: {} } },
  ];
  const batch: Batch = { header: { v: WIRE_VERSION, sent_at: sentMs }, records };
  for (const attempt of [1, 2]) {
    await expect(sender.send(batch, never)).rejects.toBe(away);
    expect(sent.map(({ topic }) => topic)).toEqual(Array(attempt).fill(SAMPLES_TOPIC));
  }
  await sender.close();
  expect(told).toEqual([]);
});
