/**
 * The peers of `bench kafka-ingest`: read the topics, count, and make nothing of the records. Prints
 * the records a second from the first to the last one.
 *
 *   node bench/kafka-bare.ts BROKERS windrow|kafkajs RECORDS TOPIC…
 *
 * `windrow` is our client with the handler left out: what the rest of the collector costs is the
 * difference. `kafkajs` is the independent one.
 */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { aborted } from '../runtime/lifecycle.ts';
import { openLog } from './kafka-log.ts';

/** What has not come by then never does. */
const readMsMax = 120_000;

/** Counts until all are there. */
class Count {
  readonly #all: number;
  readonly #done = new AbortController();
  #seen = 0;
  #firstMs = 0;
  perSecond = 0;

  constructor(all: number) {
    this.#all = all;
  }

  get done(): AbortSignal {
    return this.#done.signal;
  }

  add(records: number): void {
    if (this.#seen === 0) this.#firstMs = performance.now();
    this.#seen += records;
    if (this.#seen < this.#all || this.done.aborted) return;
    this.perSecond = (this.#seen * 1_000) / (performance.now() - this.#firstMs);
    this.#done.abort();
  }
}

const READERS: Readonly<Record<string, (reading: Reading) => Promise<void>>> = {
  async windrow({ brokers, topics, count }) {
    const options = { group: randomUUID(), member: 'bare', topics };
    const consumer = (await openLog(brokers)).consumer(options);
    const handler = {
      assigned: async () => {},
      take: async (records: readonly unknown[]) => count.add(records.length),
    };
    await consumer.run(handler, count.done);
  },

  async kafkajs({ brokers, topics, count }) {
    const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: randomUUID() });
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({ eachBatch: async ({ batch }) => count.add(batch.messages.length) });
    await aborted(count.done);
    await consumer.disconnect();
  },
};

interface Reading {
  readonly brokers: readonly string[];
  readonly topics: readonly string[];
  readonly count: Count;
}

const [brokers = '', reader = '', records, ...topics] = process.argv.slice(2);
const count = new Count(Number(records));
setTimeout(() => {
  throw new Error(`${reader} did not read all in ${readMsMax} ms`);
}, readMsMax).unref();
await READERS[reader]?.({ brokers: brokers.split(','), topics, count });
process.stdout.write(`${count.perSecond}\n`);
