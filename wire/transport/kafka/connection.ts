/** How the brokers are reached: settings with the files that they name. */
import { readSettingFile } from '../../../runtime/config/setting-file.ts';
import { WindrowError } from '../../../runtime/errors.ts';

/** What both programs have in their configuration; see settings.ts. */
export interface KafkaConfig {
  readonly brokers: readonly string[];
  readonly 'kafka.tls': boolean;
  readonly 'kafka.tls_ca_file': string | undefined;
  readonly 'kafka.sasl.mechanism': SaslMechanism | undefined;
  readonly 'kafka.sasl.username': string | undefined;
  readonly 'kafka.sasl.password_file': string | undefined;
  readonly 'kafka.partitions': number;
  readonly 'kafka.replication': number | undefined;
}

export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/** Holds the password where no file does. It is no setting, so that nothing ever shows it. */
export const PASSWORD_VARIABLE = 'WINDROW_KAFKA_SASL_PASSWORD';

export interface KafkaSettings {
  /** `host:port` of some brokers; they tell of the others. */
  readonly brokers: readonly string[];
  /** Names this program in the logs of the brokers. */
  readonly clientId: string;
  /** Absent: without TLS. The CA beside those that Node trusts. */
  readonly tls: { readonly ca: string | undefined } | undefined;
  readonly sasl:
    | { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string }
    | undefined;
}

/** @throws WindrowError `config` naming the key that is missing, or whose file cannot be read */
export function kafkaSettings(
  config: KafkaConfig,
  { clientId, env }: { clientId: string; env: Readonly<Record<string, string | undefined>> },
): KafkaSettings {
  const caFile = config['kafka.tls_ca_file'];
  return {
    brokers: config.brokers,
    clientId,
    tls: config['kafka.tls']
      ? { ca: caFile === undefined ? undefined : readSettingFile('kafka.tls_ca_file', caFile) }
      : undefined,
    sasl: saslOf(config, env),
  };
}

function saslOf(
  config: KafkaConfig,
  env: Readonly<Record<string, string | undefined>>,
): KafkaSettings['sasl'] {
  const mechanism = config['kafka.sasl.mechanism'];
  if (mechanism === undefined) return undefined;
  const file = config['kafka.sasl.password_file'];
  const password =
    file === undefined
      ? env[PASSWORD_VARIABLE]
      : readSettingFile('kafka.sasl.password_file', file).replace(/\r?\n$/, '');
  const username = config['kafka.sasl.username'];
  if (username === undefined) throw missing('kafka.sasl.username', 'the user at the brokers');
  if (password === undefined || password === '') {
    throw missing('kafka.sasl.password_file', `a file with the password, or ${PASSWORD_VARIABLE}`);
  }
  return { mechanism, username, password };
}

/** What one setting alone cannot tell. @throws WindrowError `config` */
export function checkKafkaConfig(config: KafkaConfig & { readonly transport: string }): void {
  if (config.transport !== 'kafka') return;
  if (config.brokers.length === 0) {
    throw missing('brokers', 'the brokers as host:port, with transport: kafka');
  }
  const sasl = config['kafka.sasl.mechanism'];
  if (sasl === undefined && config['kafka.sasl.username'] !== undefined) {
    throw missing('kafka.sasl.mechanism', `one of ${SASL_MECHANISMS.join(', ')}`);
  }
  if (sasl !== undefined && config['kafka.sasl.username'] === undefined) {
    throw missing('kafka.sasl.username', 'the user at the brokers');
  }
  if (config['kafka.tls_ca_file'] !== undefined && !config['kafka.tls']) {
    throw new WindrowError('config', 'kafka.tls_ca_file is set, but kafka.tls is not', {
      hint: 'Set kafka.tls: true.',
    });
  }
}

function missing(key: string, what: string): WindrowError {
  return new WindrowError('config', `${key} is missing`, { hint: `Set it: ${what}.` });
}
