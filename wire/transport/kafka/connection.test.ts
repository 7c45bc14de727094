import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Loaded, loadConfig } from '../../../runtime/config/load.ts';
import { describeConfig } from '../../../runtime/config/show.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { checkKafkaConfig, kafkaSettings } from './connection.ts';
import { KAFKA_SPEC } from './settings.ts';

function load(
  flags: Record<string, unknown>,
  env: Record<string, string> = {},
): Loaded<typeof KAFKA_SPEC> {
  const cwd = temporaryFolder();
  return loadConfig(KAFKA_SPEC, { program: 'agent', flags, env, cwd, configFlag: undefined });
}

const clientId = 'test';

describe('the settings for Kafka', () => {
  it('--kafka says which brokers, and that they are to be used', () => {
    const { values, origins } = load(
      { brokers: 'a:1, [::1]:9092' },
      { WINDROW_TRANSPORT: 'direct' },
    );
    expect(values).toMatchObject({ transport: 'kafka', brokers: ['a:1', '[::1]:9092'] });
    expect(origins).toMatchObject({ transport: '--kafka', brokers: '--kafka' });
  });

  it('nothing is asked of who sends directly', () => {
    expect(() => checkKafkaConfig(load({}).values)).not.toThrow();
  });

  it.each(['a', 'a:0', 'a:65536', 'a:b', 'http://a:1', 'a b:1', '::1:9092', ':1'])(
    '%s is no broker, and the flag is named',
    (text) => {
      expect(() => load({ brokers: text })).toThrow(/--kafka must be brokers as host:port/);
    },
  );

  it.each<[Record<string, string>, string]>([
    [{ WINDROW_TRANSPORT: 'kafka' }, 'brokers'],
    [{ WINDROW_KAFKA_SASL_MECHANISM: 'PLAIN' }, 'kafka.sasl.username'],
    [{ WINDROW_KAFKA_SASL_USERNAME: 'u' }, 'kafka.sasl.mechanism'],
    [{ WINDROW_KAFKA_TLS_CA_FILE: '/ca' }, 'kafka.tls'],
  ])('what is missing is named: %o', (env, key) => {
    const kafka: Record<string, unknown> = key === 'brokers' ? {} : { brokers: 'a:1' };
    expect(() => checkKafkaConfig(load(kafka, env).values)).toThrow(key);
  });

  it('the password comes from its file without the end of the line, else from the environment', () => {
    const file = `${temporaryFolder()}/password`;
    writeFileSync(file, ' p w \n');
    const sasl = { WINDROW_KAFKA_SASL_MECHANISM: 'PLAIN', WINDROW_KAFKA_SASL_USERNAME: 'u' };
    const byFile = load({}, { ...sasl, WINDROW_KAFKA_SASL_PASSWORD_FILE: file });
    const env = { WINDROW_KAFKA_SASL_PASSWORD: 'other' };
    expect(kafkaSettings(byFile.values, { clientId, env }).sasl?.password).toBe(' p w ');
    const byVariable = load({}, { ...sasl, ...env });
    expect(kafkaSettings(byVariable.values, { clientId, env }).sasl?.password).toBe('other');
    expect(describeConfig(byVariable)).not.toContain('other');
    expect(byVariable.unknownVariables).toEqual([]);
    expect(() => kafkaSettings(byVariable.values, { clientId, env: {} })).toThrow(
      'kafka.sasl.password_file is missing',
    );
  });

  it('a file that cannot be read is named with its key', () => {
    const { values } = load({}, { WINDROW_KAFKA_TLS: 'true', WINDROW_KAFKA_TLS_CA_FILE: '/none' });
    expect(() => kafkaSettings(values, { clientId, env: {} })).toThrow(/^kafka.tls_ca_file: /);
  });
});
