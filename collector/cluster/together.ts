/** Which partitions must come to one collector, and whether they can. Pure. */
import { WindrowError } from '../../runtime/errors.ts';
import { SEED_A_TOPICS } from '../../wire/compat/seed-a-format.ts';

/** What SEEDS A says of one server is in partition i of each of these. */
const FAMILY = SEED_A_TOPICS;

/**
 * Partition i of every topic goes to one member, so a server comes to one collector only where its
 * topics have equally many partitions.
 * @param partitions by topic; topics that are not there are left out
 * @returns what is amiss though it does no harm while one collector has all slots; undefined: nothing
 * @throws WindrowError `config` when another collector has some of the slots
 */
export function assertTogether(
  partitions: ReadonlyMap<string, number>,
  slots: ReadonlySet<number>,
): string | undefined {
  const counts = FAMILY.filter((topic) => partitions.has(topic));
  if (new Set(counts.map((topic) => partitions.get(topic))).size <= 1) return undefined;
  const listed = counts.map((topic) => `${topic} ${partitions.get(topic)}`).join(', ');
  const message = `partitions differ: ${listed}; what they say of one server comes to several collectors`;
  if (slots.size >= Math.max(0, ...partitions.values())) return message;
  throw new WindrowError('config', message, {
    hint: 'Give these topics equally many partitions (kafka-topics --alter --partitions), or run one collector in the group.',
  });
}
