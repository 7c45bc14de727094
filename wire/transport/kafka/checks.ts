/** What `doctor` finds out about the brokers. It changes nothing there. */
import type { describeGroupsV5 } from '@platformatic/kafka';
import type { Check, Finding } from '../../../runtime/doctor.ts';
import type { WindrowError } from '../../../runtime/errors.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import type { LogUse } from '../log/port.ts';
import { addressOf, KafkaClient } from './client.ts';
import { checkClock } from './clock-check.ts';
import type { KafkaSettings } from './connection.ts';
import { findCoordinator } from './coordinator.ts';
import { createTopic, notMade } from './create-topic.ts';
import { describedTopics, inAnswer } from './described.ts';
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
  const topics = await describedTopics(
    client,
    use.topics.map(({ topic: { name } }) => name),
  );
  const unseen = use.topics.filter(
    ({ topic: { name } }) => topics.get(name)?.errorCode === topicNotAllowed,
  );
  const notMakeable = new Set(await notToBeMade(client, unseen, () => {}));
  const lacking = use.topics.flatMap(({ topic: { name }, rights }) => {
    const there = topics.get(name);
    // Of those that are not there it is tried.
    if (there === undefined) return [];
    const needed: Right[] = [...rights, 'Describe'];
    const allowed = there.topicAuthorizedOperations;
    // Of a topic that may not even be seen the broker tells nothing, not even whether it is there.
    if (there.errorCode === topicNotAllowed) {
      const create = notMakeable.has(name) ? ' (and Create where it is missing)' : '';
      return [`${needed.join(', ')} on topic ${name}${create}`];
    }
    if (allowed === notTold) return [];
    const missing = needed.filter((right) => (allowed & (1 << RIGHTS[right])) === 0);
    return missing.length === 0 ? [] : [`${missing.join(', ')} on topic ${name}`];
  });
  const absent = use.topics.filter(({ topic }) => !topics.has(topic.name));
  const stop = (error: WindrowError): never => {
    throw error;
  };
  const absentLacking = await notToBeMade(client, absent, stop);
  lacking.push(...absentLacking.map((name) => `Create on topic ${name}`));
  if (use.group !== undefined && !(await mayReadGroup(client, use.group))) {
    lacking.push(`Read on group ${use.group}`);
  }
  if (lacking.length === 0) return { status: 'ok', message: allAllowed(absent) };
  return {
    status: 'fail',
    message: `not allowed: ${lacking.join('; ')}`,
    advice: allowHint('it', user),
  };
}

function allAllowed(absent: LogUse['topics']): string {
  const message = 'all that is needed is allowed';
  if (absent.length === 0) return message;
  // Whether it may be read and written, brokers tell of a topic that is there alone.
  return `${message} so far; other rights on ${absent.map(({ topic }) => topic.name).join(', ')} can be looked up once they are made`;
}

/**
 * The topics that this user has no right to make. It is tried without making them: nothing else tells,
 * for the right may be on the topic, on a part of its name or on the cluster.
 * @param onOther is given any other reason why one cannot be made
 */
async function notToBeMade(
  client: KafkaClient,
  topics: LogUse['topics'],
  onOther: (error: WindrowError) => void,
): Promise<string[]> {
  const lacking: string[] = [];
  for (const { topic } of topics) {
    try {
      await createTopic(client, topic, { isTrial: true });
    } catch (error) {
      if (hasReason(error, 'TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED')) {
        lacking.push(topic.name);
      } else {
        onOther(notMade(error, topic));
      }
    }
  }
  return lacking;
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
