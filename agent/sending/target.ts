/** Where files go: the one place that knows the ways. */
import type { Logger } from '../../runtime/logging.ts';
import type { BlockCarrier } from '../../wire/transport/block-port.ts';
import { DirectBlockCarrier } from '../../wire/transport/direct/blocks.ts';
import type { AgentConfig } from '../config.ts';
import { checkConnection, clientId, directOptions, loadKafka } from '../connect.ts';

/** By the transport that is set. @throws WindrowError `config`, naming the key that is wrong */
export async function openCarrier(config: AgentConfig, log: Logger): Promise<BlockCarrier> {
  if (config.transport === 'direct') return new DirectBlockCarrier(directOptions(config));
  checkConnection(config);
  const { openKafkaLog, topicSpecs } = await loadKafka();
  const { BLOCK_TOPICS, LogBlockCarrier } = await import('../../wire/transport/log/blocks.ts');
  return new LogBlockCarrier({
    log: openKafkaLog({ ...config, brokersFlag: '--to' }, clientId, log),
    target: kafkaTarget(config.brokers),
    topics: topicSpecs(config, BLOCK_TOPICS),
  });
}

/** The same in whichever order the brokers are named: the journal knows by it what is there already. */
export function kafkaTarget(brokers: readonly string[]): string {
  return `kafka://${brokers.toSorted().join(',')}`;
}
