/** What `doctor` finds out about the brokers. It changes nothing there. */
import type {
  describeConfigsV4,
  describeGroupsV5,
  findCoordinatorV6,
  metadataV12,
} from '@platformatic/kafka';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type Check, checkSignal, type Finding } from '../../../runtime/doctor.ts';
import { messageOf } from '../../../runtime/errors.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import { recordBytesMax } from '../../limits.ts';
import type { LogUse } from '../log/port.ts';
import { KafkaClient } from './client.ts';
import { checkClock } from './clock-check.ts';
import type { KafkaSettings } from './connection.ts';
import { answerIn, hasReason, isTlsTrouble, kafkaError } from './errors.ts';

const requestMsMax = 5_000;
/** Bits of the protocol's lists of rights. */
const RIGHTS = { Read: 3, Write: 4, Create: 5, Describe: 8 } as const;
type Right = keyof typeof RIGHTS;
const topicResource = 2;
const coordinatorEveryMs = 200;

type Topic = metadataV12.MetadataResponseTopic;

export function kafkaChecks(settings: KafkaSettings, use: LogUse): Check[] {
  const withClient = (look: (client: KafkaClient) => Promise<Finding>) => async () => {
    const client = await KafkaClient.open(settings, { requestMsMax });
    try {
      return await look(client);
    } finally {
      await client.close();
    }
  };
  const checks: Check[] = [
    { name: 'brokers', run: () => checkBrokers(settings.brokers) },
    { name: 'login', run: withClient((client) => checkLogin(client, settings)), needs: 'brokers' },
    { name: 'cluster', run: withClient(checkCluster), needs: 'login' },
    { name: 'rights', run: withClient((client) => checkRights(client, use)), needs: 'login' },
    { name: 'topics', run: withClient((client) => checkTopics(client, use)), needs: 'rights' },
    { name: 'clock', run: withClient((client) => checkClock(client)), needs: 'login' },
  ];
  if (settings.tls === undefined) return checks;
  const handshake = { name: 'handshake', run: withClient(checkTls), needs: 'brokers' };
  return checks.toSpliced(1, 1, handshake, { ...checks[1], needs: 'handshake' } as Check);
}

async function checkBrokers(brokers: readonly string[]): Promise<Finding> {
  const tried = await Promise.all(brokers.map(async (broker) => [broker, await reach(broker)]));
  const away = tried.filter(([, trouble]) => trouble !== undefined);
  if (away.length === 0) return { status: 'ok', message: `${brokers.join(', ')} answer` };
  return {
    status: away.length < brokers.length ? 'warn' : 'fail',
    message: away.map(([broker, trouble]) => `${broker}: ${trouble}`).join('; '),
    advice: 'Start the brokers, or check host and port in --kafka (brokers) and the firewall.',
  };
}

/** What is in the way, or undefined. */
async function reach(broker: string): Promise<string | undefined> {
  const { hostname: host, port } = new URL(`tcp://${broker}`);
  const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
  try {
    await once(socket, 'connect', { signal: checkSignal() });
    return undefined;
  } catch (error) {
    return error instanceof Error && error.name === 'AbortError' ? 'no answer' : messageOf(error);
  } finally {
    socket.destroy();
  }
}

async function checkTls(client: KafkaClient): Promise<Finding> {
  try {
    await client.metadata([]);
  } catch (error) {
    // Whatever comes behind the handshake is for the next check to tell.
    if (isTlsTrouble(error)) throw kafkaError(error, { what: 'no TLS connection' });
  }
  return { status: 'ok', message: 'the certificate is trusted' };
}

async function checkLogin(client: KafkaClient, { sasl }: KafkaSettings): Promise<Finding> {
  try {
    await client.metadata([]);
  } catch (error) {
    throw kafkaError(error, { what: 'no login' });
  }
  const who = sasl === undefined ? 'none is needed' : `as ${sasl.username} by ${sasl.mechanism}`;
  return { status: 'ok', message: who };
}

/** Every broker must be reached under the name that it advertises. */
async function checkCluster(client: KafkaClient): Promise<Finding> {
  const { brokers } = await client.metadata([]);
  const names = [...brokers].map(([id, { host, port }]) => [id, `${host}:${port}`] as const);
  const tried = await Promise.all(names.map(async ([, name]) => [name, await reach(name)]));
  const away = tried.filter(([, trouble]) => trouble !== undefined);
  const list = names.map(([id, name]) => `${id} at ${name}`).join(', ');
  if (away.length === 0) return { status: 'ok', message: `brokers ${list}` };
  return {
    status: 'fail',
    message: away.map(([name, trouble]) => `${name}: ${trouble}`).join('; '),
    advice:
      'The brokers advertise these addresses (advertised.listeners): this machine must reach them.',
  };
}

async function checkRights(client: KafkaClient, use: LogUse): Promise<Finding> {
  const topics = await topicsOf(client, use);
  const lacking = use.topics.flatMap(({ topic: { name }, rights }) => {
    const there = topics.get(name);
    const needed: Right[] = there === undefined ? ['Create'] : [...rights, 'Describe'];
    const allowed = there?.topicAuthorizedOperations;
    // Of a topic that is not there, or that may not even be seen, the broker tells nothing.
    if (there?.errorCode === topicNotAllowed) return [`${needed.join(', ')} on topic ${name}`];
    if (allowed === undefined || allowed === notTold) return [];
    const missing = needed.filter((right) => (allowed & (1 << RIGHTS[right])) === 0);
    return missing.length === 0 ? [] : [`${missing.join(', ')} on topic ${name}`];
  });
  if (use.group !== undefined && !(await mayReadGroup(client, use.group))) {
    lacking.push(`Read on group ${use.group}`);
  }
  if (lacking.length === 0) return { status: 'ok', message: 'all that is needed is allowed' };
  return {
    status: 'fail',
    message: `not allowed: ${lacking.join('; ')}`,
    advice: 'Allow it to this user at the brokers (kafka-acls.sh --add).',
  };
}

const topicNotAllowed = 29;
const topicMissing = 3;
/** How a broker says that it tells no rights. */
const notTold = -2_147_483_648;

/** Whether the broker says that the group may not be read. */
async function mayReadGroup(client: KafkaClient, group: string): Promise<boolean> {
  try {
    const node = await coordinatorOf(client, group);
    const answer = await client
      .call<describeGroupsV5.DescribeGroupsResponse>('DescribeGroups', node, [group], true)
      .catch((error: unknown) => answered(error) as describeGroupsV5.DescribeGroupsResponse);
    const allowed = answer.groups[0]?.authorizedOperations ?? notTold;
    return allowed === notTold || (allowed & (1 << RIGHTS.Read)) !== 0;
  } catch (error) {
    if (hasReason(error, 'GROUP_AUTHORIZATION_FAILED')) return false;
    throw kafkaError(error, { what: `group ${group} cannot be looked at` });
  }
}

/** At the first group that a cluster ever has, it makes the place where groups are kept. */
async function coordinatorOf(client: KafkaClient, group: string): Promise<number> {
  const signal = checkSignal();
  while (true) {
    try {
      const { coordinators } = await client.call<findCoordinatorV6.FindCoordinatorResponse>(
        'FindCoordinator',
        'any',
        0,
        [group],
      );
      await client.metadata([]);
      return coordinators[0]?.nodeId ?? -1;
    } catch (error) {
      if (signal.aborted || !hasReason(error, 'COORDINATOR_NOT_AVAILABLE')) throw error;
      await pause(coordinatorEveryMs, signal);
    }
  }
}

async function checkTopics(client: KafkaClient, use: LogUse): Promise<Finding> {
  const topics = await topicsOf(client, use);
  const missing = namesIn(use).filter((name) => !topics.has(name));
  const there = [...topics.values()].filter(({ errorCode }) => errorCode === 0);
  const settings = await settingsOf(
    client,
    there.map(({ name }) => name ?? ''),
  );
  const troubles = there.flatMap((topic) => troublesOf(topic, settings.get(topic.name ?? '')));
  troubles.push(...unevenIn(there, use));
  const seen = `${there.length} there${missing.length === 0 ? '' : `, ${missing.join(', ')} will be made`}`;
  if (troubles.length === 0) return { status: 'ok', message: seen };
  return {
    status: 'warn',
    message: `${seen}; ${troubles.join('; ')}`,
    advice:
      'Change them with kafka-configs.sh and kafka-topics.sh, or delete topics that are empty: they are made anew.',
  };
}

/**
 * Partition i of all that a group reads goes to one member. What it writes too, each reads whole;
 * and what is whole goes to one.
 */
function unevenIn(there: readonly Topic[], { topics, group, whole = [] }: LogUse): string[] {
  const shared = topics.filter(
    ({ topic, rights }) => !rights.includes('Write') && !whole.includes(topic.name),
  );
  const names = new Set(shared.map(({ topic }) => topic.name));
  const counted = there.filter(({ name }) => names.has(name ?? ''));
  const counts = new Set(counted.map(({ partitions }) => partitions.length));
  if (group === undefined || counts.size <= 1) return [];
  const each = counted.map(({ name, partitions }) => `${name} ${partitions.length}`).join(', ');
  return [`topics have different numbers of partitions (${each})`];
}

function troublesOf(
  { name, partitions }: Topic,
  settings: ReadonlyMap<string, string> | undefined,
): string[] {
  const troubles: string[] = [];
  const bytesMax = Number(settings?.get('max.message.bytes') ?? recordBytesMax);
  if (bytesMax < recordBytesMax) {
    troubles.push(`${name}: max.message.bytes is ${bytesMax}, samples may have ${recordBytesMax}`);
  }
  const replicas = Math.min(...partitions.map(({ replicaNodes }) => replicaNodes.length));
  const inSync = Number(settings?.get('min.insync.replicas') ?? 1);
  if (inSync > replicas) {
    troubles.push(`${name}: min.insync.replicas is ${inSync}, but it has ${replicas} replicas`);
  }
  if (replicas >= 3 && inSync < 2 && settings !== undefined) {
    troubles.push(`${name}: min.insync.replicas is 1, so one broker's loss may lose records`);
  }
  const leaderless = partitions.filter(({ leaderId }) => leaderId < 0).length;
  if (leaderless > 0) troubles.push(`${name}: ${leaderless} partitions have no leader`);
  return troubles;
}

function namesIn({ topics }: LogUse): string[] {
  return topics.map(({ topic }) => topic.name);
}

/** By name; those that are not there are left out, those that may not be seen have an error code. */
async function topicsOf(client: KafkaClient, use: LogUse): Promise<Map<string, Topic>> {
  const names = namesIn(use);
  const [autoCreate, withRights] = [false, true];
  const { topics } = await client
    .call<metadataV12.MetadataResponse>('Metadata', 'any', names, autoCreate, withRights)
    .catch((error: unknown) => answered(error) as metadataV12.MetadataResponse);
  return new Map(
    topics
      .filter(({ errorCode }) => errorCode !== topicMissing)
      .map((topic) => [topic.name ?? '', topic]),
  );
}

/** Settings by topic; none where they may not be seen. */
async function settingsOf(
  client: KafkaClient,
  names: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  if (names.length === 0) return new Map();
  const configurationKeys = ['max.message.bytes', 'min.insync.replicas'];
  const resources = names.map((resourceName) => ({
    resourceType: topicResource,
    resourceName,
    configurationKeys,
  }));
  const { results } = await client
    .call<describeConfigsV4.DescribeConfigsResponse>(
      'DescribeConfigs',
      'any',
      resources,
      false,
      false,
    )
    .catch((error: unknown) => answered(error) as describeConfigsV4.DescribeConfigsResponse);
  return new Map(
    results
      .filter(({ errorCode }) => errorCode === 0)
      .map(({ resourceName, configs }) => [
        resourceName,
        new Map(configs.map(({ name, value }) => [name, value ?? ''])),
      ]),
  );
}

function answered(error: unknown): unknown {
  const answer = answerIn(error);
  if (answer === undefined) throw kafkaError(error, { what: 'no answer' });
  return answer;
}
