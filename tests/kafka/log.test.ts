import { describe } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { describeLog } from '../contract/log.ts';
import { bombReason, sendBomb } from './support/bomb.ts';
import { suiteBrokers, suiteKafkaMissing } from './support/kafka.ts';

describe.skipIf(suiteKafkaMissing)('kafka', () => {
  const create = async () => {
    const settings = { clientId: 'test', tls: undefined, sasl: undefined };
    return createKafkaLog({ ...settings, brokers: suiteBrokers() }, createKeptLog().log);
  };
  describeLog(create, {
    async spoil(_, place) {
      await sendBomb(suiteBrokers(), place);
      return bombReason;
    },
  });
});
