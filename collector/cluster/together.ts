/** What people are told of topics that should come to one collector together, or to all, and do not. Pure. */
import { plural } from '../../runtime/plural.ts';
import { INVENTORY_TOPIC, SAMPLES_TOPIC } from '../../wire/records/record.ts';
import type { Uneven } from '../../wire/transport/log/port.ts';

interface Told {
  readonly message: string;
  readonly hint: string;
}

const bestAlone = 'best while one collector runs: keys move';
const makeEqual = `Give these topics equally many partitions (kafka-topics.sh --alter --partitions), ${bestAlone}. Or run one collector in the group.`;

/** What is said of one server is in partition i of each of its topics. */
export function describeUneven(uneven: Uneven): Told {
  const { partitions, isRead, slotCount } = uneven;
  const listed = [...partitions].map(([topic, count]) => `${topic} ${count}`).join(', ');
  const follows =
    slotCount === undefined ? whatFollows(partitions, isRead) : whoHasNone(partitions, slotCount);
  return {
    message: `partitions differ: ${listed}; ${follows}`,
    hint: slotCount === undefined ? makeEqual : widen(partitions, slotCount),
  };
}

function whatFollows(partitions: Uneven['partitions'], isRead: boolean): string {
  if (partitions.has(INVENTORY_TOPIC)) {
    return 'where several collectors share the group, what a server is comes to another one than its samples';
  }
  return isRead
    ? 'with a second collector in the group they would not be read'
    : 'what they say of one server would come to several collectors, so they are not read; all else is';
}

function whoHasNone(partitions: Uneven['partitions'], slotCount: number): string {
  const count = partitions.get(SAMPLES_TOPIC) ?? 0;
  const have = plural(count, 'collector has', 'collectors have');
  return `servers of agents are in ${count} of the ${slotCount} slots that collectors share: at most ${have} any, and of several one may have none`;
}

function widen(partitions: Uneven['partitions'], slotCount: number): string {
  const few = [SAMPLES_TOPIC, INVENTORY_TOPIC].filter(
    (topic) => (partitions.get(topic) ?? slotCount) < slotCount,
  );
  const commands = few.map(
    (topic) => `kafka-topics.sh --alter --topic ${topic} --partitions ${slotCount}`,
  );
  return `Give agents' topics as many (${commands.join(' and ')}), ${bestAlone}; set kafka.partitions alike on agents and collectors.`;
}
