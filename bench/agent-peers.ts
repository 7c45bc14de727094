/** The monitors that `bench agent` stands beside: Debian's own, on loopback, with nothing of the system's. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';

export interface Peer {
  readonly name: string;
  readonly child: ChildProcess;
  /** Done each second while it is measured. */
  readonly eachSecond: () => Promise<void>;
}

/** node_exporter measures when it is asked, so it is asked every second. */
export async function startNodeExporter(): Promise<Peer> {
  const port = await freePort();
  const args = [`--web.listen-address=127.0.0.1:${port}`];
  const child = spawn('prometheus-node-exporter', args, { stdio: 'ignore' });
  await once(child, 'spawn');
  const eachSecond = async (): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    await answer.arrayBuffer();
  };
  return { name: 'node_exporter', child, eachSecond };
}

/** netdata measures by itself, every second, into memory, with the plugins that it has by default. */
export async function startNetdata(folder: string): Promise<Peer> {
  const port = await freePort();
  const folders = ['cache', 'lib', 'log', 'run', 'lock'].map((name) => join(folder, name));
  for (const path of folders) mkdirSync(path, { recursive: true });
  const [cache, lib, log, run, lock] = folders;
  const config = join(folder, 'netdata.conf');
  writeFileSync(
    config,
    [
      '[global]',
      `run as user = ${userInfo().username}`,
      '[db]',
      'mode = ram',
      '[directories]',
      `cache = ${cache}`,
      `lib = ${lib}`,
      `log = ${log}`,
      `lock = ${lock}`,
      '[logs]',
      'debug = none',
      'error = none',
      'access = none',
      '[web]',
      `bind to = 127.0.0.1:${port}`,
      '[statsd]',
      'enabled = no',
      '[registry]',
      'enabled = no',
      '',
    ].join('\n'),
  );
  const child = spawn('netdata', ['-D', '-c', config, '-P', join(run ?? folder, 'pid')], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin`, DO_NOT_TRACK: '1' },
  });
  await once(child, 'spawn');
  return { name: 'netdata', child, eachSecond: async () => {} };
}

/** They take no port 0, so one is found beforehand. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
