/** What both programs say of settings for Kafka that contradict each other or cannot be used; no broker is needed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/http.ts';
import { run, startAgent, startCollector, tempDir } from '../support/programs.ts';

const here = 'http://localhost:7871';
const kafka = { WINDROW_TRANSPORT: 'kafka', WINDROW_BROKERS: 'a:1' };
const idle = 'brokers is set, but transport is direct: the brokers are not used';

describe.concurrent('an address that would not count is refused', () => {
  it.each(['run', 'doctor', 'config check', 'config show'])('%s', async (line) => {
    const verb = line.split(' ');
    using folder = tempDir();
    const config = join(folder.path, 'own.yaml');
    writeFileSync(config, `transport: kafka\nbrokers: [a:1]\nto: ${here}\n`);
    const both = await run('agent', [...verb, '--kafka', 'a:1', '--to', here]);
    expect([both.code, both.stderr, both.stdout]).toEqual([
      2,
      'windrow-agent: --to and --kafka exclude each other\n',
      '',
    ]);
    const file = await run('agent', [...verb, '--config', config, '--to', here]);
    const told = (where: string) =>
      `windrow-agent: --to would not count: ${where} says transport: kafka\n` +
      '  Leave out --to, or set transport: direct there.\n';
    expect([file.code, file.stderr]).toEqual([2, told(config)]);
    const environment = await run('agent', [...verb, '--to', here], { env: kafka });
    expect([environment.code, environment.stderr]).toEqual([2, told('WINDROW_TRANSPORT')]);
  });

  it('in file or environment it may stay beside transport: kafka', async () => {
    const env = { ...kafka, WINDROW_TO: here };
    const { code, stdout } = await run('agent', ['config', 'check'], { env });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^configuration is good/)]);
  });
});

describe.concurrent('brokers that nothing uses are told of', () => {
  const env = { WINDROW_BROKERS: 'a:1' };

  it.each(['agent', 'collector'] as const)('%s config check and doctor', async (program) => {
    using data = tempDir();
    const check = await run(program, ['config', 'check'], { env });
    expect(check.stdout).toMatch(new RegExp(`^warning: ${idle}\nconfiguration is good`));
    expect(check.code).toBe(0);
    const doctor = await run(program, ['doctor', '--data', data.path], { env });
    expect(doctor.stdout).toMatch(new RegExp(`^WARN +transport ${idle}\n +→ Set transport`, 'm'));
  });

  it('run and serve, once in their logs', async () => {
    await using collector = await startCollector({ env });
    await using agent = await startAgent({ to: collector.url, env });
    for (const program of [collector, agent]) {
      await eventually(async () => expect(program.log()).toContain(idle));
      await program.stop();
      expect(program.log().split(idle)).toHaveLength(2);
    }
  });
});

describe.concurrent('a CA that is none is found by config check', () => {
  it.each(['agent', 'collector'] as const)('%s', async (program) => {
    using folder = tempDir();
    const ca = join(folder.path, 'ca.pem');
    writeFileSync(ca, 'garbage\n');
    const tls = { WINDROW_KAFKA_TLS: 'true', WINDROW_KAFKA_TLS_CA_FILE: ca };
    const finished = await run(program, ['config', 'check'], { env: { ...kafka, ...tls } });
    expect(finished.code).toBe(78);
    expect(finished.stderr).toContain(`kafka.tls_ca_file: ${ca} holds no certificate (PEM)\n`);
  });

  it.each([
    ['agent', ['config', 'check'], 'tls_ca_file'],
    ['agent', ['run'], 'tls_ca_file'],
    ['collector', ['monitor', '--to', 'https://127.0.0.1:1', '--tls-ca-file'], '--tls-ca-file'],
  ] as const)('of a collector: %s %j', async (program, verb, key) => {
    using folder = tempDir();
    const ca = join(folder.path, 'ca.pem');
    writeFileSync(ca, '');
    const args = program === 'collector' ? [...verb, ca] : verb;
    const finished = await run(program, args, { env: { WINDROW_TLS_CA_FILE: ca } });
    expect(finished.code).toBe(78);
    expect(finished.stderr).toContain(`: ${key}: ${ca} holds no certificate (PEM)\n`);
  });
});

describe.concurrent('brokers that are named in another verb’s way are told the right one', () => {
  it.each([
    ['agent', ['run', '--to', 'kafka://a:1'], '--to is for a collector; for Kafka: --kafka host:'],
    ['agent', ['run', '--kafka', 'kafka://a:1'], '--kafka: leave kafka:// out'],
    ['agent', ['run', '--kafka', ''], '--kafka is empty'],
    ['agent', ['send', 'x', '--kafka', 'a:1'], "'--kafka': it is --to kafka://host:port"],
    ['agent', ['replay', 'x', '--kafka=a:1'], "'--kafka=a:1': it is --to kafka://host:port"],
    ['agent', ['receive', '--kafka', 'a:1'], "'--kafka': it is --from kafka://host:port"],
    ['agent', ['generate', 'numbers', '--kafka', 'a'], "'--kafka': it is --to kafka://host:port"],
    ['collector', ['total', '--kafka', 'a:1'], "'--kafka': it is --from kafka://host:port"],
    ['agent', ['outbox', '--kafka', 'a:1'], "unknown option '--kafka'\n"],
  ] as const)('%s %j', async (program, args, sentence) => {
    const { code, stdout, stderr } = await run(program, args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(sentence);
  });
});

it.each([
  ['agent', 'receive'],
  ['collector', 'total'],
] as const)(
  '%s %s: the name of a group is checked before brokers are asked',
  async (program, verb) => {
    const from = 'kafka://127.0.0.1:1';
    const long = await run(program, [verb, '--from', from, '--group', 'x'.repeat(250)]);
    expect([long.code, long.stderr]).toEqual([
      2,
      expect.stringContaining('at most 249 characters'),
    ]);
    const blank = await run(program, [verb, '--from', from, '--group', 'a b']);
    expect(blank.code).toBe(2);
    expect(blank.stderr).toContain(
      '--group must have letters, digits, dots, _ and - only, not "a b"',
    );
    expect(blank.stderr).not.toContain('share the servers');
  },
);
