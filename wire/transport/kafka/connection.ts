/** How the brokers are reached: settings with the files that they name. */
import { readCertificates, readSettingFile } from '../../../runtime/config/setting-file.ts';
import type { Check, Finding } from '../../../runtime/doctor.ts';
import type { Logger } from '../../../runtime/logging.ts';
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
  /** No setting, but the verb's flag for brokers, where that is not --kafka. */
  readonly brokersFlag?: '--to' | '--from';
}

export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/** Holds the password where no file does. It is no setting, so that nothing ever shows it. */
export const PASSWORD_VARIABLE = 'WINDROW_KAFKA_SASL_PASSWORD';

export interface KafkaSettings {
  /** `host:port` of some brokers; they tell of the others. */
  readonly brokers: readonly string[];
  /** By which flag they can be given, for hints; absent: --kafka. */
  readonly brokersFlag?: KafkaConfig['brokersFlag'];
  /** Names this program in the logs of the brokers. */
  readonly clientId: string;
  /** Absent: without TLS. The CA beside those that Node trusts; its file is read at each call. */
  readonly tls: { readonly ca: () => string | undefined } | undefined;
  readonly sasl:
    | {
        readonly mechanism: SaslMechanism;
        readonly username: string;
        /** Its file is read at each call. */
        readonly password: () => string;
      }
    | undefined;
}

/**
 * Its files are read once here, so that what is wrong with them is told at the start.
 * @throws WindrowError `config` naming the key that is missing, or whose file cannot be used; so do
 *   `ca` and `password` later
 */
export function kafkaSettings(
  config: KafkaConfig,
  { clientId, env }: { clientId: string; env: Readonly<Record<string, string | undefined>> },
): KafkaSettings {
  return {
    brokers: config.brokers,
    ...(config.brokersFlag === undefined ? {} : { brokersFlag: config.brokersFlag }),
    clientId,
    tls: tlsOf(config),
    sasl: saslOf(config, env),
  };
}

function tlsOf(config: KafkaConfig): KafkaSettings['tls'] {
  if (!config['kafka.tls']) return undefined;
  const key = 'kafka.tls_ca_file';
  const file = config[key];
  const ca = () => (file === undefined ? undefined : readCertificates(key, file));
  ca();
  return { ca };
}

function saslOf(
  config: KafkaConfig,
  env: Readonly<Record<string, string | undefined>>,
): KafkaSettings['sasl'] {
  const mechanism = config['kafka.sasl.mechanism'];
  if (mechanism === undefined) return undefined;
  const [file, variable] = [config['kafka.sasl.password_file'], env[PASSWORD_VARIABLE]];
  const password = () => passwordOf(file, variable);
  password();
  const username = config['kafka.sasl.username'];
  if (username === undefined) throw missing('kafka.sasl.username', 'the user at the brokers');
  return { mechanism, username, password };
}

/** @throws WindrowError `config` when there is none: its file wins over its variable */
function passwordOf(file: string | undefined, variable: string | undefined): string {
  const key = 'kafka.sasl.password_file';
  const [password, where] =
    file === undefined
      ? [variable, PASSWORD_VARIABLE]
      : [readSettingFile(key, file).replace(/\r?\n$/, ''), `${key}: ${file}`];
  const what = `a file with the password, or ${PASSWORD_VARIABLE}`;
  if (password === undefined) throw missing(key, what);
  if (password !== '') return password;
  throw new WindrowError('config', `${where} is empty`, {
    hint: `Give the user's password at the brokers: ${what}.`,
  });
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

type MaybeKafka = Pick<KafkaConfig, 'brokers'> & { readonly transport: string };

/** What looks like a slip in settings that are good otherwise: nothing uses these brokers. */
export function idleBrokers({ brokers, transport }: MaybeKafka): Finding | undefined {
  if (brokers.length === 0 || transport === 'kafka') return undefined;
  return {
    status: 'warn',
    message: `brokers is set, but transport is ${transport}: the brokers are not used`,
    advice: 'Set transport: kafka, or take brokers away.',
  };
}

/** For `doctor`: none where there is nothing to tell. */
export function checksOfIdleBrokers(config: MaybeKafka): Check[] {
  const slip = idleBrokers(config);
  return slip === undefined ? [] : [{ name: 'transport', run: async () => slip }];
}

/** For the start of a program, which goes on all the same. */
export function warnOfIdleBrokers(config: MaybeKafka, log: Pick<Logger, 'warn'>): void {
  const slip = idleBrokers(config);
  if (slip !== undefined) log.warn({ hint: slip.advice }, slip.message);
}

function missing(key: string, what: string): WindrowError {
  return new WindrowError('config', `${key} is missing`, { hint: `Set it: ${what}.` });
}
