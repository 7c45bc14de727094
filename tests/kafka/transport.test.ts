import { describe } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { connectByLog } from '../contract/by-log.ts';
import { describeTransport } from '../contract/transport.ts';
import { suiteBrokers, suiteKafkaMissing } from './support/kafka.ts';

describe.skipIf(suiteKafkaMissing)('kafka', () => {
  describeTransport((receive) => {
    const settings = { clientId: 'test', tls: undefined, sasl: undefined };
    const log = createKafkaLog({ ...settings, brokers: suiteBrokers() }, createKeptLog().log);
    return connectByLog(log, receive);
  });
});
