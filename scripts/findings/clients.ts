/** Idempotent producers of three kinds, as their documentation has them, on one interface. */
import { Kafka, logLevel } from 'kafkajs';
import { createLogger } from '../../runtime/logging.ts';
import {
  clientOptions,
  closeClient,
  hearErrors,
  loadLibrary,
} from '../../wire/transport/kafka/client.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';

export interface Client {
  /** Resolves when the client says that it is written. */
  send(topic: string, value: string): Promise<void>;
  close(): Promise<void>;
}

const retries = 10;
const retryMs = 100;
const requestMsMax = 10_000;

export const CLIENTS: Readonly<Record<string, (brokers: readonly string[]) => Promise<Client>>> = {
  async kafkajs(brokers) {
    const retry = { retries, initialRetryTime: retryMs };
    const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry });
    const producer = kafka.producer({ idempotent: true });
    await producer.connect();
    return {
      send: async (topic, value) => {
        await producer.send({ topic, messages: [{ value }], acks: -1 });
      },
      close: () => producer.disconnect(),
    };
  },
  async '@platformatic/kafka'(brokers) {
    const library = await loadLibrary();
    const settings = { brokers, clientId: 'finding', tls: undefined, sasl: undefined };
    const producer = new library.Producer({
      ...clientOptions(settings, { requestMsMax }),
      idempotent: true,
      retries,
      retryDelay: retryMs,
    });
    hearErrors(producer);
    return {
      send: async (topic, value) => {
        await producer.send({ messages: [{ topic, key: empty, value: Buffer.from(value) }] });
      },
      close: () => closeClient(producer),
    };
  },
  async windrow(brokers) {
    const settings = { brokers, clientId: 'finding', tls: undefined, sasl: undefined };
    const producer = createKafkaLog(settings, await createLogger('finding', 'silent')).producer();
    return {
      send: (topic, value) => producer.send([{ topic, key: '', value }], never),
      close: () => producer.close(),
    };
  },
};

const empty = Buffer.alloc(0);
const never = new AbortController().signal;
