import { writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { type Loaded, loadConfig } from '../../../runtime/config/load.ts';
import { describeConfig } from '../../../runtime/config/show.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { checkKafkaConfig, idleBrokers, kafkaSettings, warnOfIdleBrokers } from './connection.ts';
import { KAFKA_SPEC } from './settings.ts';

function load(
  flags: Record<string, unknown>,
  env: Record<string, string> = {},
): Loaded<typeof KAFKA_SPEC> {
  const cwd = temporaryFolder();
  return loadConfig(KAFKA_SPEC, { program: 'agent', flags, env, cwd, configFlag: undefined });
}

const clientId = 'test';
const sasl = { WINDROW_KAFKA_SASL_MECHANISM: 'PLAIN', WINDROW_KAFKA_SASL_USERNAME: 'u' };

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

  it.each([
    [{ brokers: 'a:65536' }, {}, 'usage', '--kafka: port 65536 is not from 1 to 65535'],
    [{ brokers: '' }, {}, 'usage', '--kafka is empty'],
    [{}, { WINDROW_BROKERS: 'a' }, 'config', 'WINDROW_BROKERS: no port in a'],
  ])('what is no broker is told, and who gave it: %j %j', (flags, env, code, message) => {
    expect(() => load(flags, env)).toThrow(expect.objectContaining({ code, message }));
  });

  it('brokers that nothing uses are told of, to who looks and in the log of who starts', () => {
    const { values } = load({}, { WINDROW_BROKERS: 'a:1' });
    const message = 'brokers is set, but transport is direct: the brokers are not used';
    expect(idleBrokers(values)).toMatchObject({ status: 'warn', message });
    const log = { warn: vi.fn() };
    warnOfIdleBrokers(values, log);
    expect(log.warn).toHaveBeenCalledExactlyOnceWith({ hint: expect.any(String) }, message);
    for (const good of [load({}), load({ brokers: 'a:1' })]) {
      expect(idleBrokers(good.values)).toBeUndefined();
      warnOfIdleBrokers(good.values, log);
    }
    expect(log.warn).toHaveBeenCalledOnce();
  });

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
    const byFile = load({}, { ...sasl, WINDROW_KAFKA_SASL_PASSWORD_FILE: file });
    const env = { WINDROW_KAFKA_SASL_PASSWORD: 'other' };
    expect(kafkaSettings(byFile.values, { clientId, env }).sasl?.password()).toBe(' p w ');
    const byVariable = load({}, { ...sasl, ...env });
    expect(kafkaSettings(byVariable.values, { clientId, env }).sasl?.password()).toBe('other');
    expect(describeConfig(byVariable)).not.toContain('other');
    expect(byVariable.unknownVariables).toEqual([]);
    expect(() => kafkaSettings(byVariable.values, { clientId, env: {} })).toThrow(
      'kafka.sasl.password_file is missing',
    );
  });

  it.each(['', '\n', '\r\n'])('a password’s file that holds none (%j) is called empty', (text) => {
    const file = `${temporaryFolder()}/password`;
    writeFileSync(file, text);
    const { values } = load({}, { ...sasl, WINDROW_KAFKA_SASL_PASSWORD_FILE: file });
    // Of two places the file is the one that counts.
    const env = { WINDROW_KAFKA_SASL_PASSWORD: 'other' };
    expect(() => kafkaSettings(values, { clientId, env })).toThrow(
      `kafka.sasl.password_file: ${file} is empty`,
    );
  });

  it('a password’s variable that holds none is called empty', () => {
    const env = { WINDROW_KAFKA_SASL_PASSWORD: '' };
    expect(() => kafkaSettings(load({}, sasl).values, { clientId, env })).toThrow(
      'WINDROW_KAFKA_SASL_PASSWORD is empty',
    );
  });

  it('a CA that is none is named with its key, where TLS is on', () => {
    const file = `${temporaryFolder()}/ca`;
    writeFileSync(file, 'garbage');
    const ca = { WINDROW_KAFKA_TLS_CA_FILE: file };
    const { values } = load({}, { ...ca, WINDROW_KAFKA_TLS: 'true' });
    expect(() => kafkaSettings(values, { clientId, env: {} })).toThrow(
      `kafka.tls_ca_file: ${file} holds no certificate (PEM)`,
    );
    expect(kafkaSettings(load({}, ca).values, { clientId, env: {} }).tls).toBeUndefined();
  });

  it('a file that cannot be read is named with its key', () => {
    const { values } = load({}, { WINDROW_KAFKA_TLS: 'true', WINDROW_KAFKA_TLS_CA_FILE: '/none' });
    expect(() => kafkaSettings(values, { clientId, env: {} })).toThrow(/^kafka.tls_ca_file: /);
  });
});
