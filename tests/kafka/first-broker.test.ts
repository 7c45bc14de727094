import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { KafkaClient } from '../../wire/transport/kafka/client.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { eventually } from '../support/http.ts';
import { suiteBrokers, suiteKafkaMissing } from './support/kafka.ts';
import { Proxy } from './support/proxy.ts';

const never = new AbortController().signal;
/** Brokers that are busy with other tests have answered by then. */
const answerMsMax = 5_000;
const waitMsMax = 60_000;

describe.skipIf(suiteKafkaMissing)('of several brokers the first', () => {
  it.each(['stall', 'cut'] as const)(
    'takes connections and answers nothing (%s): another one is asked at the next try',
    async (how) => {
      await using first = await Proxy.open();
      first.leadTo(Number(suiteBrokers()[0]?.split(':')[1]));
      first[how]();
      const brokers = [`127.0.0.1:${first.port}`, ...suiteBrokers()];
      const settings = { brokers, clientId: 'test', tls: undefined, sasl: undefined };
      const client = await KafkaClient.open(settings, { requestMsMax: answerMsMax });
      await using _ = { [Symbol.asyncDispose]: () => client.close() };
      await expect(client.metadata([])).rejects.toThrow();
      const { brokers: known } = await client.metadata([]);
      expect(known.size).toBeGreaterThan(0);
    },
  );

  it('goes away, and was the only one given: clients that are made then ask those that it told of', async () => {
    await using given = await Proxy.open();
    given.leadTo(Number(suiteBrokers()[0]?.split(':')[1]));
    const brokers = [`127.0.0.1:${given.port}`];
    const settings = { brokers, clientId: 'test', tls: undefined, sasl: undefined };
    const { log } = createKeptLog();
    const source = createKafkaLog(settings, log);
    const topic = `first-${randomUUID()}`;
    const admin = source.admin();
    await admin.ensure([{ name: topic, partitions: 2, replicas: undefined, settings: {} }], never);
    await admin.close();
    given.cut();
    const later = source.admin();
    onTestFinished(() => later.close());
    const partitions = await eventually(() => later.partitions([topic], never), waitMsMax);
    expect(partitions).toEqual(new Map([[topic, 2]]));
    const producer = source.producer();
    onTestFinished(() => producer.close());
    await eventually(() => producer.send([{ topic, key: 'k', value: 'v' }], never), waitMsMax);
  });
});
