import { describe } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { describeLogTopics } from '../contract/log-topics.ts';
import { eventually } from '../support/http.ts';
import { kafkaJs, suiteBrokers, suiteKafkaMissing, withAdmin } from './support/kafka.ts';

/** Of a broker that is busy with other tests. */
const goneMsMax = 60_000;

describe.skipIf(suiteKafkaMissing)('kafka', () => {
  const create = async () => {
    const settings = { clientId: 'test', tls: undefined, sasl: undefined };
    return createKafkaLog({ ...settings, brokers: suiteBrokers() }, createKeptLog().log);
  };
  describeLogTopics(create, {
    remove: (_, topic) =>
      withAdmin(kafkaJs(suiteBrokers()), async (admin) => {
        await admin.deleteTopics({ topics: [topic] });
        await eventually(async () => {
          if ((await admin.listTopics()).includes(topic)) throw new Error(`${topic} is there`);
        }, goneMsMax);
      }),
    grow: (_, topic, count) =>
      withAdmin(kafkaJs(suiteBrokers()), async (admin) => {
        await admin.createPartitions({ topicPartitions: [{ topic, count }] });
      }),
  });
});
