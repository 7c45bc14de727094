/** Where a replay goes: into a collector, which tells what it knows, or onto Kafka, where nobody answers. */
import type { Logger } from '../../runtime/logging.ts';
import { type DirectClient, notACollector } from '../../wire/transport/direct/client.ts';
import { describePrepared, prepareTopics } from '../../wire/transport/log/prepare.ts';
import type { BatchSender } from '../../wire/transport/port.ts';
import type { AgentConfig } from '../config.ts';
import { clientId, connect, loadKafka, sampleTopicsOf, senderTo } from '../connect.ts';

export interface SourceState {
  readonly origin_ms: number;
  readonly closed: boolean;
}

export interface ReplayTarget {
  readonly sender: BatchSender;
  /** Undefined when the collector has never heard of it. Absent: there is nobody to ask. */
  readonly stateOf?: (sourceId: string, signal: AbortSignal) => Promise<SourceState | undefined>;
}

/**
 * By the transport that is set. On Kafka it is reached and has its topics.
 * @param tell gets what a person wants to know of it
 * @throws WindrowError
 */
export async function openTarget(
  config: AgentConfig,
  log: Logger,
  { signal, tell }: { readonly signal: AbortSignal; readonly tell: (line: string) => void },
): Promise<ReplayTarget> {
  if (config.transport === 'direct') return targetOf(connect(config));
  const { openKafkaLog, topicSpecs } = await loadKafka();
  const kafka = openKafkaLog({ ...config, brokersFlag: '--to' }, clientId, log);
  const topics = topicSpecs(config, sampleTopicsOf(config));
  await prepareTopics(kafka, topics, signal);
  tell(describePrepared(config.brokers));
  return { sender: await senderTo(kafka, config, { topics }) };
}

function targetOf(client: DirectClient): ReplayTarget {
  return {
    sender: client,
    async stateOf(sourceId, signal) {
      const path = `/v1/sources/${sourceId}`;
      const answer = await client.request({ method: 'GET', path, signal });
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw client.rejection(answer);
      return parseState(client.url, answer.body);
    },
  };
}

function parseState(url: string, body: string): SourceState {
  try {
    const state = JSON.parse(body) as Partial<SourceState>;
    if (typeof state.origin_ms === 'number') return state as SourceState;
  } catch {
    // Falls through: whatever answered is no collector.
  }
  throw notACollector(url);
}
