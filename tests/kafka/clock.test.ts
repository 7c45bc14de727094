import { describe, expect, it } from 'vitest';
import { KafkaClient } from '../../wire/transport/kafka/client.ts';
import { checkClock } from '../../wire/transport/kafka/clock-check.ts';
import { suiteBrokers, suiteKafkaMissing } from './support/kafka.ts';

const minute = 60_000;

describe.skipIf(suiteKafkaMissing)('the clock of a real broker', () => {
  it.each([
    ['right', 0, 'ok', /^\d{1,4} ms /],
    ['ten minutes ahead', 10 * minute, 'warn', /^(60[01]|59[89])\d{3} ms ahead of the brokers/],
    ['ten minutes behind', -10 * minute, 'warn', /^(60[01]|59[89])\d{3} ms behind the brokers/],
  ])('is what a clock that is %s is compared with', async (_, byMs, status, message) => {
    const settings = { clientId: 'test', tls: undefined, sasl: undefined };
    const client = await KafkaClient.open(
      { ...settings, brokers: suiteBrokers() },
      { requestMsMax: 10_000 },
    );
    try {
      const finding = await checkClock(client, () => Date.now() + byMs);
      expect(finding).toMatchObject({ status, message: expect.stringMatching(message) as string });
    } finally {
      await client.close();
    }
  });
});
