/** The topics that a collector reads and writes. */
import { SEED_A_TOPICS } from '../../wire/compat/seed-a-format.ts';
import { SEED_B_TOPIC } from '../../wire/compat/seed-b.ts';
import { alertRecordBytesMax, windowResultBytesMax } from '../../wire/limits.ts';
import { ALERTS_TOPIC } from '../../wire/records/alert-record.ts';
import { INVENTORY_TOPIC, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { topicSpecs } from '../../wire/transport/kafka/topics.ts';
import type { LogUse, TopicSpec } from '../../wire/transport/log/port.ts';
import type { CollectorConfig } from '../config.ts';

/**
 * How a group reads them. The old SEEDS B producers send without keys, so what they say of one
 * machine is spread over all partitions of their topic: one collector reads it whole. A server
 * belongs to whoever has its samples; where its inventory comes to another one it is read all the same.
 */
export const GROUPING = {
  whole: [SEED_B_TOPIC],
  together: SEED_A_TOPICS,
  alike: [SAMPLES_TOPIC, INVENTORY_TOPIC],
  spread: SAMPLES_TOPIC,
} as const;

/** Samples in all their formats: what is read as a group. */
export function sampleTopics(config: CollectorConfig): TopicSpec[] {
  const names = [SAMPLES_TOPIC, INVENTORY_TOPIC, ...SEED_A_TOPICS, SEED_B_TOPIC];
  return topicSpecs(config, names);
}

/** A collector that was away for less than this, or is new, still gets every window; ms. */
const everyWindowMs = 3 * 24 * 60 * 60 * 1000;

/** What collectors tell each other: the newest of each key stays for ever. */
export function sharedTopics(config: CollectorConfig): TopicSpec[] {
  const compacted = { 'cleanup.policy': 'compact' };
  // Who was away for less than history is kept hears of what nothing is kept any more.
  const forgotten = { 'delete.retention.ms': String(config['retention.windows']) };
  return [
    ...topicSpecs(config, [WINDOW_RESULTS_TOPIC], {
      ...compacted,
      'min.compaction.lag.ms': String(everyWindowMs),
      ...forgotten,
    }),
    ...topicSpecs(config, [ALERTS_TOPIC], { ...compacted, ...forgotten }),
  ];
}

/** All that a collector does with the brokers, for `doctor`. */
export function brokerUse(config: CollectorConfig): LogUse {
  return {
    group: config['kafka.group'],
    whole: GROUPING.whole,
    topics: [
      ...sampleTopics(config).map((topic) => ({ topic, rights: ['Read'] as const })),
      ...sharedTopics(config).map((topic) => ({
        topic,
        rights: ['Read', 'Write'] as const,
        recordBytes: topic.name === ALERTS_TOPIC ? alertRecordBytesMax : windowResultBytesMax,
      })),
    ],
  };
}
