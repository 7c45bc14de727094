/**
 * Fills the topics of `bench kafka-…`, in a process of its own:
 *
 *   node bench/kafka-load.ts BROKERS batches|live|seed-a SERVERS SAMPLES
 */
import { seedARecords } from '../wire/compat/seed-a-write.ts';
import { BATCH_HEADER, SAMPLES_TOPIC } from '../wire/records/record.ts';
import type { NewLogRecord } from '../wire/transport/log/port.ts';
import { WIRE_VERSION } from '../wire/version.ts';
import { type Kind, samplesOfBatch, topicsOf } from './kafka-kinds.ts';
import { makeTopics, never, openLog } from './kafka-log.ts';
import { bootName, sampleMade, serverName } from './samples-made.ts';

/** Records given to the producer at once; it sends them in requests of 1 MB. */
const sendRecords = 5_000;

async function fill(brokers: readonly string[], made: Iterable<NewLogRecord>, kind: Kind) {
  const log = await openLog(brokers);
  await makeTopics(log, topicsOf(kind));
  const producer = log.producer();
  let records: NewLogRecord[] = [];
  for (const record of made) {
    if (records.push(record) < sendRecords) continue;
    await producer.send(records, never);
    records = [];
  }
  await producer.send(records, never);
  await producer.close();
}

/** Every server's first batch, then every server's second one. */
function* recordsMade(kind: Kind, servers: number, samples: number): Generator<NewLogRecord> {
  const ofBatch = samplesOfBatch(kind);
  const ofServer = Math.ceil(samples / servers);
  const startMs = Date.now() - ofServer * 1_000;
  for (let first = 0; first < ofServer; first += ofBatch) {
    for (let server = 0; server < servers; server += 1) {
      const values = Array.from({ length: Math.min(ofBatch, ofServer - first) }, (_, i) =>
        sampleMade(server, first + i, startMs),
      );
      yield* kind === 'seed-a' ? oldRecords(values) : ownRecords(server, values);
    }
  }
}

type Made = ReturnType<typeof sampleMade>;

/** As `wire/transport/log/sender.ts` sends a batch. */
function* ownRecords(server: number, samples: readonly Made[]): Generator<NewLogRecord> {
  const timeMs = samples.at(-1)?.ts ?? 0;
  const header = {
    v: WIRE_VERSION,
    sent_at: timeMs,
    server_id: serverName(server),
    boot_id: bootName(server),
    oldest_outstanding_seq: samples[0]?.seq,
  };
  const headers = { [BATCH_HEADER]: JSON.stringify(header) };
  for (const sample of samples) {
    const value = JSON.stringify(sample);
    yield { topic: SAMPLES_TOPIC, key: sample.server_id, value, headers, timeMs };
  }
}

function* oldRecords(samples: readonly Made[]): Generator<NewLogRecord> {
  for (const sample of samples) {
    const whole = { ...sample, net_out: sample.net_in };
    for (const { topic = '', key = '', value } of seedARecords(whole, sample.ts)) {
      yield { topic, key, value: JSON.stringify(value), timeMs: sample.ts };
    }
  }
}

if (import.meta.main) {
  const [brokers = '', kind, servers, samples] = process.argv.slice(2);
  const made = recordsMade(kind as Kind, Number(servers), Number(samples));
  await fill(brokers.split(','), made, kind as Kind);
}
