/** What the verbs for Kafka say when they cannot begin; no broker is needed for that. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commandOf, run, tempDir } from '../support/programs.ts';

const CSV = fileURLToPath(new URL('../data/server_metrics.csv', import.meta.url));
const generate = ['generate', 'numbers'];
const replay = ['replay', CSV];
/** Nothing listens there, whatever else runs at the same time. */
const nobody = '127.0.0.1:1';

describe.concurrent('wrong input is one sentence that names the flag or key', () => {
  it.each([
    ['agent', [...generate], 2, '--to is missing: kafka://host:port of a broker'],
    ['agent', [...generate, '--to', 'http://a:9092'], 2, '--to must be kafka://host:port'],
    ['agent', [...generate, '--to', 'kafka://a'], 2, '--to: no port in a'],
    ['agent', [...generate, '--to', 'kafka://a:1', '--count', '0'], 2, '--count: 0 is not'],
    ['agent', [...generate, '--to', 'kafka://a:1', '--interval', '2'], 2, '--interval must be'],
    ['agent', [...replay, '--to', 'kafka://'], 2, '--to must be kafka://host:port'],
    ['agent', [...replay, '--to', 'kafka://a:1', '--wait'], 2, '--wait needs a collector'],
    [
      'agent',
      [...replay, '--to', 'kafka://a:1', '--day', '2026-02-30'],
      2,
      '--day: 2026-02-30 is no',
    ],
    ['agent', [...replay, '--to', 'kafka://a:1', '--compat', 'x'], 2, '--compat must be one of'],
    ['agent', [...replay, '--compat', 'seed-a'], 78, 'compat is set, but transport is not kafka'],
    ['collector', ['total'], 2, '--from is missing: kafka://host:port of a broker'],
    ['collector', ['total', '--from', 'a:9092'], 2, '--from must be kafka://host:port'],
    ['collector', ['total', '--from', 'kafka://a:1', '--group', 'x y'], 2, '--group must have'],
  ] as const)('%s %j', async (program, args, code, sentence) => {
    const result = await run(program, args);
    expect([result.code, result.stdout]).toEqual([code, '']);
    expect(result.stderr.split('\n')[0]).toContain(sentence);
  });

  it('compat without Kafka is found by config check', async () => {
    using folder = tempDir();
    const file = join(folder.path, 'agent.yaml');
    writeFileSync(file, 'compat: [seed-a]\n');
    const result = await run('agent', ['config', 'check', '--config', file]);
    expect(result.code).toBe(78);
    expect(result.stderr).toContain('compat is set, but transport is not kafka');
  });
});

it.concurrent.each([
  ['agent', [...generate, '--to']],
  ['agent', [...replay, '--to']],
  ['collector', ['total', '--from']],
] as const)(
  '%s %j: a broker that does not answer is told in one sentence, soon',
  async (program, args) => {
    const { code, stdout, stderr } = await run(program, [...args, `kafka://${nobody}`]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^windrow-\w+: topic \S+ cannot be looked up: no broker answers there\n {2}\S.*\n$/,
    );
  },
);

it.concurrent.each([
  ['agent', [...generate, '--to'], 0, /^$/],
  ['agent', ['receive', '--from'], 0, /^$/],
  ['collector', ['monitor', '--from'], 0, /^$/],
  ['collector', ['total', '--from'], 0, /^$/],
  ['agent', [...replay, '--to'], 1, /^windrow-agent: interrupted\n {2}Run it/],
] as const)('%s %j: stopped while it begins ends with %i', async (program, args, code, said) => {
  await using silent = await silentServer();
  const [command = '', ...before] = commandOf(program);
  const url = `kafka://127.0.0.1:${silent.port}`;
  const child = spawn(command, [...before, ...args, url], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const closed = once(child, 'close');
  await Promise.race([silent.asked, closed]);
  child.kill('SIGTERM');
  await closed;
  expect([child.exitCode, child.signalCode], stderr).toEqual([code, null]);
  expect(stderr).toMatch(said);
});

/** Takes connections and never answers, as a frozen broker does. */
async function silentServer(): Promise<AsyncDisposable & { port: number; asked: Promise<void> }> {
  const server = createServer();
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('data', () => resolve());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

it.concurrent.each([
  ['nowhere.csv', /^windrow-agent: nowhere\.csv cannot be read: there is no such file$/m],
  ['package.json', /^windrow-agent: package\.json: column ts or timestamp is missing\n/],
])('replay %s to Kafka: the file is looked at before Kafka', async (path, said) => {
  const { code, stdout, stderr } = await run('agent', [
    'replay',
    path,
    '--to',
    `kafka://${nobody}`,
  ]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(said);
});

it.concurrent('replay goes where its --to says, whatever the configuration says of Kafka', async () => {
  const url = `http://${nobody}`;
  const env = { WINDROW_TRANSPORT: 'kafka', WINDROW_BROKERS: nobody };
  const { code, stderr } = await run('agent', [...replay, '--to', url], { env });
  expect(code).toBe(1);
  expect(stderr).toContain(`cannot reach ${url}`);
});
