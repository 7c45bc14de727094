import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { kafkaJs, suiteBrokers, suiteKafkaMissing, withAdmin } from './support/kafka.ts';
import { makeTopics } from './support/topics.ts';

describe.skipIf(suiteKafkaMissing)('the suite’s broker', () => {
  it('keeps what is sent and gives it back', async () => {
    const kafka = kafkaJs(suiteBrokers());
    const topic = `suite-${randomUUID()}`;
    await makeTopics(kafka, { topic });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ key: 'k', value: 'v' }] });
    await producer.disconnect();
    const consumer = kafka.consumer({ groupId: topic });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const heard = await new Promise<string>((resolve, reject) => {
      const run = consumer.run({
        eachMessage: async ({ message }) =>
          resolve(`${String(message.key)}=${String(message.value)}`),
      });
      run.catch(reject);
    });
    await consumer.disconnect();
    await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [topic] }));
    expect(heard).toBe('k=v');
  });
});
