/** What people are told of topics that must come to one collector together, and cannot. Pure. */
import type { Uneven } from '../../wire/transport/log/port.ts';

/** What SEEDS A says of one server is in partition i of each of its topics. */
export function describeUneven({ partitions, isRead }: Uneven): { message: string; hint: string } {
  const listed = [...partitions].map(([topic, count]) => `${topic} ${count}`).join(', ');
  const so = isRead
    ? 'with a second collector in the group they would not be read'
    : 'what they say of one server would come to several collectors, so they are not read; all else is';
  return {
    message: `partitions differ: ${listed}; ${so}`,
    hint: 'Give these topics equally many partitions (kafka-topics --alter --partitions), or run one collector in the group.',
  };
}
