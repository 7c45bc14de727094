/** Makes the sending end from the configuration: direct to the collector, or through brokers. */
import { systemClock } from '../runtime/clock.ts';
import { readCertificates, readSettingFile } from '../runtime/config/setting-file.ts';
import { WindrowError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logging.ts';
import { SEED_A_TOPICS } from '../wire/compat/seed-a-format.ts';
import { INVENTORY_TOPIC, SAMPLES_TOPIC } from '../wire/records/record.ts';
import { DirectClient, type DirectClientOptions } from '../wire/transport/direct/client.ts';
import {
  checkKafkaConfig,
  kafkaSettings,
  warnOfIdleBrokers,
} from '../wire/transport/kafka/connection.ts';
import type { ToldFaults } from '../wire/transport/kafka/trouble.ts';
import type { Log } from '../wire/transport/log/port.ts';
import type { LogSenderOptions } from '../wire/transport/log/sender.ts';
import type { BatchSender } from '../wire/transport/port.ts';
import type { AgentConfig } from './config.ts';

/** Names the agent in the logs of the brokers. */
export const clientId = 'windrow-agent';

export interface ConnectSettings {
  readonly to: string;
  readonly token_file: string | undefined;
  readonly tls_ca_file: string | undefined;
}

/** For the transport that is set. @throws WindrowError `config`, naming the key that is wrong */
export async function openSender(config: AgentConfig, log: Logger): Promise<BatchSender> {
  checkConfig(config);
  warnOfIdleBrokers(config, log);
  if (config.transport === 'direct') return connect(config);
  const { openKafkaLog, topicSpecs, Trouble } = await loadKafka();
  const told: ToldFaults = new Map();
  return senderTo(openKafkaLog(config, clientId, log), config, {
    topics: topicSpecs(config, [SAMPLES_TOPIC]),
    beside: {
      topics: topicSpecs(config, besideTopicsOf(config)),
      trouble: (topic) => new Trouble(log, `${topic} is written again`, told),
      log,
    },
  });
}

export async function senderTo(
  log: Log,
  config: Pick<AgentConfig, 'compat'>,
  topics: Pick<LogSenderOptions, 'topics' | 'beside'>,
): Promise<BatchSender> {
  const { createLogSender, seedARecords } = await loadKafka();
  return createLogSender({
    log,
    ...topics,
    clock: systemClock,
    copies: config.compat.includes('seed-a') ? seedARecords : undefined,
  });
}

/** The topics that an agent writes to. */
export function topicsOf(config: Pick<AgentConfig, 'compat'>): string[] {
  return [SAMPLES_TOPIC, ...besideTopicsOf(config)];
}

/** Those for samples. */
export function sampleTopicsOf(config: Pick<AgentConfig, 'compat'>): string[] {
  return [SAMPLES_TOPIC, ...copyTopicsOf(config)];
}

/** Those that samples do not wait for. */
function besideTopicsOf(config: Pick<AgentConfig, 'compat'>): string[] {
  return [...copyTopicsOf(config), INVENTORY_TOPIC];
}

function copyTopicsOf({ compat }: Pick<AgentConfig, 'compat'>): readonly string[] {
  return compat.includes('seed-a') ? SEED_A_TOPICS : [];
}

/** Our code for Kafka: a direct agent does without. The library comes with the first connection. */
export async function loadKafka() {
  const [log, trouble, sender, topics, seedA] = await Promise.all([
    import('../wire/transport/kafka/log.ts'),
    import('../wire/transport/kafka/trouble.ts'),
    import('../wire/transport/log/sender.ts'),
    import('../wire/transport/kafka/topics.ts'),
    import('../wire/compat/seed-a-write.ts'),
  ]);
  return { ...log, ...trouble, ...sender, ...topics, ...seedA };
}

/** What one setting alone cannot tell; touches no network. @throws WindrowError `config` */
export function checkConnection(config: AgentConfig): void {
  checkConfig(config);
  if (config.transport === 'kafka') kafkaSettings(config, { clientId, env: process.env });
  else void connect(config).close();
}

function checkConfig(config: AgentConfig): void {
  checkKafkaConfig(config);
  if (config.compat.length === 0 || config.transport === 'kafka') return;
  throw new WindrowError('config', 'compat is set, but transport is not kafka', {
    hint: 'The old formats are written on Kafka alone: set transport: kafka and brokers.',
  });
}

/** Direct to the collector. @throws WindrowError `config`, naming the key whose file cannot be used */
export function connect(settings: ConnectSettings): DirectClient {
  return new DirectClient(directOptions(settings));
}

/** @throws WindrowError `config`, naming the key whose file cannot be used */
export function directOptions(settings: ConnectSettings): DirectClientOptions {
  const { to, token_file: tokenFile, tls_ca_file: caFile } = settings;
  return {
    url: to,
    token: tokenFile === undefined ? undefined : readToken(tokenFile),
    ca: caFile === undefined ? undefined : readCertificates('tls_ca_file', caFile),
  };
}

function readToken(path: string): string {
  const token = readSettingFile('token_file', path).trim();
  // A token goes into a header: anything else than its own alphabet is not one.
  if (/^[A-Za-z0-9_-]{20,200}$/.test(token)) return token;
  throw new WindrowError('config', `token_file: ${path} holds no token`, {
    hint: 'It must hold the one line that `windrow-collector token create` shows.',
  });
}
