/** Topics as somebody else made them, or a person changed them: what is wrong, and what mends it. */
import type { Finding } from '../../../runtime/doctor.ts';
import { plural } from '../../../runtime/plural.ts';
import { recordBytesMax } from '../../limits.ts';
import type { LogUse } from '../log/port.ts';
import { altered, CLEANUP_SETTINGS, cleanupTrouble, type TopicTrouble } from './cleanup.ts';
import type { KafkaClient } from './client.ts';
import {
  describedTopics,
  type DescribedTopic,
  replicaCount,
  type TopicSettings,
  topicSettings,
} from './described.ts';
import { fewReplicas, inSyncWanted, replicasWanted } from './topics.ts';

/** What a topic takes of one batch when nobody has set anything; bytes. */
const brokerBytesMax = 1_048_588;
const SETTINGS = ['max.message.bytes', 'min.insync.replicas', ...CLEANUP_SETTINGS] as const;

type Use = LogUse['topics'][number];

export async function checkTopics(client: KafkaClient, use: LogUse): Promise<Finding> {
  const names = use.topics.map(({ topic: { name } }) => name);
  const described = await describedTopics(client, names);
  const there = use.topics.flatMap((each): Topic[] => {
    const found = described.get(each.topic.name);
    return found?.errorCode === 0 ? [{ ...each, found }] : [];
  });
  const { brokers } = await client.metadata([]);
  const settings = await topicSettings(
    client,
    there.map(({ topic: { name } }) => name),
    SETTINGS,
  );
  const advice = there.flatMap((topic) => [
    ...replicaTroubles(topic, settings.get(topic.topic.name), brokers.size),
    ...sizeTroubles(topic, settings.get(topic.topic.name)),
    ...cleanupTroubles(topic, settings.get(topic.topic.name)),
    ...leaderTroubles(topic),
  ]);
  advice.push(...unevenIn(there, use));
  const missing = names.filter((name) => !described.has(name));
  const unseen = there.filter(({ topic: { name } }) => !settings.has(name)).length;
  const message = [
    `${there.length} there`,
    ...(missing.length === 0 ? [] : [`${missing.join(', ')} will be made`]),
    ...otherPartitions(there),
    ...(unseen === 0 ? [] : [`settings of ${unseen} may not be seen (DescribeConfigs)`]),
    ...(advice.length === 0 ? [] : ['to be mended:']),
  ].join(', ');
  return { status: advice.length === 0 ? 'ok' : 'warn', message, advice };
}

interface Topic extends Use {
  readonly found: DescribedTopic;
}

/** Each is `topic: what is wrong; what mends it`. */
function replicaTroubles(
  { topic, found }: Topic,
  settings: TopicSettings | undefined,
  brokerCount: number,
): string[] {
  const { name } = topic;
  const count = replicaCount(found);
  const inSync = Number(settings?.get('min.insync.replicas') ?? 1);
  const troubles = advised(fewReplicas(topic, count, brokerCount));
  if (inSync > count) {
    troubles.push(
      `${name}: min.insync.replicas is ${inSync} of ${plural(count, 'replica')}, so nothing can be written; ${altered(name, { 'min.insync.replicas': Math.min(count, inSyncWanted) })}`,
    );
  }
  if (settings !== undefined && count >= replicasWanted && inSync < inSyncWanted) {
    troubles.push(
      `${name}: min.insync.replicas is ${inSync}, so one broker's loss may lose records; ${altered(name, { 'min.insync.replicas': inSyncWanted })}`,
    );
  }
  return troubles;
}

function sizeTroubles(
  { topic: { name }, recordBytes = recordBytesMax }: Topic,
  settings: TopicSettings | undefined,
): string[] {
  const bytesMax = Number(settings?.get('max.message.bytes') ?? recordBytes);
  if (bytesMax >= recordBytes) return [];
  const bytes = Math.max(brokerBytesMax, recordBytes);
  return [
    `${name}: max.message.bytes is ${bytesMax}, a record may have ${recordBytes}; ${altered(name, { 'max.message.bytes': bytes })}`,
  ];
}

function cleanupTroubles({ topic }: Topic, settings: TopicSettings | undefined): string[] {
  return advised(cleanupTrouble(topic, settings));
}

function advised(trouble: TopicTrouble | undefined): string[] {
  return trouble === undefined ? [] : [`${trouble.topic}: ${trouble.what}; ${trouble.mend}`];
}

function leaderTroubles({ topic: { name }, found: { partitions } }: Topic): string[] {
  const count = partitions.filter(({ leaderId }) => leaderId < 0).length;
  if (count === 0) return [];
  const have = plural(count, 'partition has', 'partitions have');
  return [`${name}: ${have} no leader; start the brokers that are down`];
}

/**
 * Partition i of all that a group reads goes to one member. What it writes too, each reads whole;
 * and what is whole goes to one.
 */
function unevenIn(there: readonly Topic[], { group, whole = [] }: LogUse): string[] {
  if (group === undefined) return [];
  const shared = there.filter(
    ({ topic, rights }) => !rights.includes('Write') && !whole.includes(topic.name),
  );
  const most = Math.max(...shared.map(({ found }) => found.partitions.length));
  return shared
    .filter(({ found }) => found.partitions.length < most)
    .map(({ topic: { name }, found: { partitions } }) => {
      return `${name}: it has ${plural(partitions.length, 'partition')}, other topics ${most}, and partition i of all goes to one collector; kafka-topics.sh --alter --topic ${name} --partitions ${most}, best while one collector runs`;
    });
}

/** A topic that exists is used as it is: nothing is wrong, but it is not what kafka.partitions says. */
function otherPartitions(there: readonly Topic[]): string[] {
  const others = there.filter(({ topic, found }) => topic.partitions !== found.partitions.length);
  if (others.length === 0) return [];
  const each = others.map(({ topic: { name }, found }) => `${name} ${found.partitions.length}`);
  return [`used with the partitions that they have: ${each.join(' and ')}`];
}
