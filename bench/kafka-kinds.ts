/** What waits on the broker in benchmarks of Kafka. */
import { SEED_A_TOPICS } from '../wire/compat/seed-a-format.ts';
import { SAMPLES_TOPIC } from '../wire/records/record.ts';

/**
 * `batches` is what agents send after an outage, 50 samples of one server behind each other; `live`
 * what they send all day, one sample a second with a header of its own; `seed-a` what the old
 * producer sent, four records of each sample, without header.
 */
export const KINDS = ['batches', 'live', 'seed-a'] as const;
export type Kind = (typeof KINDS)[number];

export function topicsOf(kind: Kind): readonly string[] {
  return kind === 'seed-a' ? SEED_A_TOPICS : [SAMPLES_TOPIC];
}

/** Records of one sample. */
export function recordsOf(kind: Kind): number {
  return kind === 'seed-a' ? SEED_A_TOPICS.length : 1;
}

/** Of one server, behind each other. */
export function samplesOfBatch(kind: Kind): number {
  return kind === 'batches' ? 50 : 1;
}
