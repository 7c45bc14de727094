/** The log as benchmarks reach it: a broker of their own, and our client to it. */
import { createLogger } from '../runtime/logging.ts';
import { KafkaCluster } from '../scripts/kafka/cluster.ts';
import { install } from '../scripts/kafka/install.ts';
import { createKafkaLog } from '../wire/transport/kafka/log.ts';
import type { Log } from '../wire/transport/log/port.ts';

/** As topics are made by default. */
export const partitions = 6;

export const never = new AbortController().signal;

/**
 * One broker on this machine: `await using`. Both members of a group that start together get their
 * share at once: the broker waits for the second one.
 * @throws WindrowError `input` when Java or Maven is missing
 */
export async function startBroker(): Promise<KafkaCluster> {
  const onStep = (what: string): void => console.log(`${what} …`);
  const settings = { 'group.initial.rebalance.delay.ms': 3_000 };
  return KafkaCluster.start(await install(never, { onStep }), { settings }, never);
}

export async function openLog(brokers: readonly string[]): Promise<Log> {
  const settings = { brokers, clientId: 'windrow-bench', tls: undefined, sasl: undefined };
  return createKafkaLog(settings, await createLogger('bench', 'error'));
}

/** Makes the topics, as collectors make them. */
export async function makeTopics(log: Log, names: readonly string[]): Promise<void> {
  const admin = log.admin();
  const specs = names.map((name) => ({ name, partitions, replicas: undefined, settings: {} }));
  await admin.ensure(specs, never);
  await admin.close();
}
