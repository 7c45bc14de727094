/** What people are told of topics that should come to one collector together, and do not. Pure. */
import { INVENTORY_TOPIC } from '../../wire/records/record.ts';
import type { Uneven } from '../../wire/transport/log/port.ts';

const hint =
  'Give these topics equally many partitions (kafka-topics.sh --alter --partitions), best while one collector runs: keys move. Or run one collector in the group.';

/** What is said of one server is in partition i of each of its topics. */
export function describeUneven({ partitions, isRead }: Uneven): { message: string; hint: string } {
  const listed = [...partitions].map(([topic, count]) => `${topic} ${count}`).join(', ');
  return { message: `partitions differ: ${listed}; ${whatFollows(partitions, isRead)}`, hint };
}

function whatFollows(partitions: Uneven['partitions'], isRead: boolean): string {
  if (partitions.has(INVENTORY_TOPIC)) {
    return 'where several collectors share the group, what a server is comes to another one than its samples';
  }
  return isRead
    ? 'with a second collector in the group they would not be read'
    : 'what they say of one server would come to several collectors, so they are not read; all else is';
}
