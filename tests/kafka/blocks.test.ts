import { describe } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import { describeBlocks } from '../contract/blocks.ts';
import { connectBlocksByLog } from '../contract/blocks-by-log.ts';
import { suiteBrokers, suiteKafkaMissing } from './support/kafka.ts';

describe.skipIf(suiteKafkaMissing)('kafka', () => {
  describeBlocks(() => {
    const settings = { clientId: 'test', tls: undefined, sasl: undefined };
    return connectBlocksByLog(
      createKafkaLog({ ...settings, brokers: suiteBrokers() }, createKeptLog().log),
    );
  });
});
