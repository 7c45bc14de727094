/** Topics that a test makes with the independent client. */
import type { ITopicConfig, Kafka } from 'kafkajs';
import { expect } from 'vitest';
import { eventually } from '../../support/http.ts';
import { withAdmin } from './kafka.ts';

/** Brokers hear of topics one after the other, and machines are busy. */
const thereMsMax = 60_000;

/** Makes them, and waits until each partition has a leader. */
export async function makeTopics(kafka: Kafka, ...topics: ITopicConfig[]): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    // Its own waiting gives up where the broker that it asks has not heard of one yet.
    await admin.createTopics({ topics, waitForLeaders: false });
    await eventually(async () => {
      const names = topics.map(({ topic }) => topic);
      const { topics: found } = await admin.fetchTopicMetadata({ topics: names });
      expect(found).toHaveLength(names.length);
      for (const { partitions } of found) {
        expect(partitions).not.toEqual([]);
        for (const { leader } of partitions) expect(leader).toBeGreaterThanOrEqual(0);
      }
    }, thereMsMax);
  });
}
