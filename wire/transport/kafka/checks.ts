/** What `doctor` finds out about the brokers. It changes nothing there. */
import type { describeGroupsV5 } from '@platformatic/kafka';
import type { Check, Finding } from '../../../runtime/doctor.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import type { LogUse, TopicSpec } from '../log/port.ts';
import { addressOf, KafkaClient } from './client.ts';
import { checkClock } from './clock-check.ts';
import type { KafkaSettings } from './connection.ts';
import { findCoordinator } from './coordinator.ts';
import { createTopic, notMade } from './create-topic.ts';
import { type DescribedTopic, describedTopics, inAnswer } from './described.ts';
import { hasReason, isStarting, isTlsTrouble, kafkaError } from './errors.ts';
import { reach } from './reach.ts';
import { checkTopics } from './topic-checks.ts';
import { allowHint, startingMsMax } from './words.ts';

const requestMsMax = 5_000;
/** Bits of the protocol's lists of rights. */
const RIGHTS = { Read: 3, Write: 4, Describe: 8 } as const;
type Right = keyof typeof RIGHTS;
const startingEveryMs = 200;

export function kafkaChecks(settings: KafkaSettings, use: LogUse, files: LogUse): Check[] {
  const withClient = (look: (client: KafkaClient) => Promise<Finding>) => async () => {
    const client = await KafkaClient.open(settings, { requestMsMax });
    try {
      return await look(client);
    } finally {
      await client.close();
    }
  };
  const user = settings.sasl?.username;
  const checks: Check[] = [
    { name: 'brokers', run: () => checkBrokers(settings) },
    { name: 'login', run: withClient((client) => checkLogin(client, settings)), needs: 'brokers' },
    {
      name: 'cluster',
      run: withClient((client) => checkCluster(client, settings)),
      needs: 'login',
    },
    { name: 'rights', run: withClient((client) => checkRights(client, use, user)), needs: 'login' },
    { name: 'topics', run: withClient((client) => checkTopics(client, use)), needs: 'rights' },
    { name: 'files', run: withClient((client) => checkFiles(client, files, user)), needs: 'login' },
    { name: 'clock', run: withClient((client) => checkClock(client)), needs: 'login' },
  ];
  if (settings.tls === undefined) return checks;
  const handshake = { name: 'handshake', run: withClient(checkTls), needs: 'brokers' };
  return checks.toSpliced(1, 1, handshake, { ...checks[1], needs: 'handshake' } as Check);
}

async function checkBrokers({ brokers, tls }: KafkaSettings): Promise<Finding> {
  const away = await awayOf(brokers, tls);
  if (away.length === 0) return { status: 'ok', message: `${brokers.join(', ')} can be reached` };
  return {
    status: away.length < brokers.length ? 'warn' : 'fail',
    message: away.join('; '),
    advice:
      'Start the brokers, or check host and port in --kafka (brokers), kafka.tls, the firewall and what forwards ports on the way.',
  };
}

/** Of each that does not answer as a broker, why. */
async function awayOf(brokers: readonly string[], tls: KafkaSettings['tls']): Promise<string[]> {
  const tried = await Promise.all(
    brokers.map(async (broker) => ({ broker, trouble: await reach(broker, tls !== undefined) })),
  );
  return tried.flatMap(({ broker, trouble }) =>
    trouble === undefined ? [] : [`${broker}: ${trouble}`],
  );
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
async function checkCluster(client: KafkaClient, { tls }: KafkaSettings): Promise<Finding> {
  const { brokers } = await client.metadata([]);
  const names = [...brokers].map(([id, broker]) => [id, addressOf(broker)] as const);
  const away = await awayOf(
    names.map(([, name]) => name),
    tls,
  );
  const list = names.map(([id, name]) => `${id} at ${name}`).join(', ');
  if (away.length === 0) return { status: 'ok', message: `brokers ${list}` };
  return {
    status: 'fail',
    message: away.join('; '),
    advice:
      'The brokers advertise these addresses (advertised.listeners): this machine must reach them.',
  };
}

/** @param user who is logged in, where that is known */
async function checkRights(
  client: KafkaClient,
  use: LogUse,
  user: string | undefined,
): Promise<Finding> {
  const described = await describedTopics(
    client,
    use.topics.map(({ topic: { name } }) => name),
  );
  const lacking: string[] = [];
  for (const each of use.topics) {
    lacking.push(...(await lackingOn(client, each, described.get(each.topic.name))));
  }
  if (use.group !== undefined && !(await mayReadGroup(client, use.group))) {
    lacking.push(`Read on group ${use.group}`);
  }
  if (lacking.length === 0) return { status: 'ok', message: allAllowed(use, described) };
  return {
    status: 'fail',
    message: `not allowed: ${lacking.join('; ')}`,
    advice: allowHint('it', user),
  };
}

function allAllowed({ topics }: LogUse, described: ReadonlyMap<string, DescribedTopic>): string {
  const message = 'all that is needed is allowed';
  const names = topics.map(({ topic }) => topic.name).filter((name) => !described.has(name));
  if (names.length === 0) return message;
  // Whether it may be read and written, brokers tell of a topic that is there alone.
  return `${message} so far; other rights on ${names.join(', ')} can be looked up once they are made`;
}

/**
 * The rights that are lacking on a topic, none or one text.
 * @param there absent: it is missing
 * @throws WindrowError when it is missing and cannot be made for another reason
 */
async function lackingOn(
  client: KafkaClient,
  { topic, rights }: LogUse['topics'][number],
  there: DescribedTopic | undefined,
): Promise<string[]> {
  if (there === undefined) {
    return (await mayMake(client, topic)) ? [] : [`Create on topic ${topic.name}`];
  }
  const needed: Right[] = [...rights, 'Describe'];
  // Of a topic that may not even be seen the broker tells nothing, not even whether it is there.
  if (there.errorCode === topicNotAllowed) {
    // What else is in the way of making it is told once it may be seen.
    const create = (await mayMake(client, topic).catch(() => true))
      ? ''
      : ' (and Create where it is missing)';
    return [`${needed.join(', ')} on topic ${topic.name}${create}`];
  }
  const allowed = there.topicAuthorizedOperations;
  if (allowed === notTold) return [];
  const missing = needed.filter((right) => (allowed & (1 << RIGHTS[right])) === 0);
  return missing.length === 0 ? [] : [`${missing.join(', ')} on topic ${topic.name}`];
}

/**
 * Whether this user has the right to make it. It is tried without making it: nothing else tells,
 * for the right may be on the topic, on a part of its name or on the cluster.
 * @throws WindrowError when it cannot be made for another reason
 */
async function mayMake(client: KafkaClient, topic: TopicSpec): Promise<boolean> {
  try {
    await createTopic(client, topic, { isTrial: true });
    return true;
  } catch (error) {
    if (hasReason(error, 'TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED')) {
      return false;
    }
    throw notMade(error, topic);
  }
}

/** Who neither sends nor receives files needs nothing of it, so it is a warning at most. */
async function checkFiles(
  client: KafkaClient,
  use: LogUse,
  user: string | undefined,
): Promise<Finding> {
  const names = use.topics.map(({ topic: { name } }) => name);
  const isNoneThere = (await describedTopics(client, names)).size === 0;
  // A look at the group would make the place where groups are kept.
  const asked = isNoneThere ? { topics: use.topics } : use;
  const rights = await checkRights(client, asked, user).catch(failed);
  if (rights.status === 'ok' && isNoneThere) {
    return { status: 'ok', message: 'no topics yet: they are made with the first file' };
  }
  if (rights.status === 'ok') return checkTopics(client, use);
  return {
    ...rights,
    status: 'warn',
    message: `${rights.message} (for files through Kafka alone)`,
  };
}

function failed(error: unknown): Finding {
  const { message, hint = [] } = kafkaError(error, { what: 'they cannot be looked at' });
  return { status: 'fail', message, advice: hint };
}

const topicNotAllowed = 29;
/** How a broker says that it tells no rights. */
const notTold = -2_147_483_648;

/** Whether the broker says that the group may not be read. */
async function mayReadGroup(client: KafkaClient, group: string): Promise<boolean> {
  try {
    const { groups } = await whenStarted(() => describedGroup(client, group));
    const allowed = groups[0]?.authorizedOperations ?? notTold;
    return allowed === notTold || (allowed & (1 << RIGHTS.Read)) !== 0;
  } catch (error) {
    if (hasReason(error, 'GROUP_AUTHORIZATION_FAILED')) return false;
    throw kafkaError(error, { what: `group ${group} cannot be looked at` });
  }
}

async function describedGroup(
  client: KafkaClient,
  group: string,
): Promise<describeGroupsV5.DescribeGroupsResponse> {
  const node = await findCoordinator(client, group);
  const withRights = true;
  return client
    .call<describeGroupsV5.DescribeGroupsResponse>('DescribeGroups', node, [group], withRights)
    .catch((error: unknown) => {
      if (isStarting(error)) throw error;
      return inAnswer(error) as describeGroupsV5.DescribeGroupsResponse;
    });
}

/** As long as brokers take to start, or to make the place where a cluster's first group is kept. */
async function whenStarted<T>(ask: () => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(startingMsMax);
  while (true) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || !isStarting(error)) throw error;
      await pause(startingEveryMs, signal);
    }
  }
}
