import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import type { FleetView } from '../../collector/api/contract.ts';
import { eventually, getJson } from '../support/http.ts';
import { startCollector, tempDir } from '../support/programs.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/start.ts', import.meta.url));

function start(...args: string[]): ChildProcess {
  return startIn({}, args);
}

function startIn(
  settings: Readonly<Record<string, string>>,
  args: readonly string[],
): ChildProcess {
  const env = { ...process.env, ...settings };
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGTERM');
  });
  return child;
}

async function urlOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /windrow is running: (\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('it ended without an address');
}

async function serversAt(url: string): Promise<FleetView['servers']> {
  const { servers } = await getJson<FleetView>(`${url}/api/fleet`);
  expect(servers).toHaveLength(1);
  return servers;
}

it('prints the page’s address, shows this machine, stops both at SIGINT, and keeps its state', async () => {
  using data = tempDir();
  const first = start('--port', '0', '--data', data.path);
  const url = await urlOf(first);
  expect((await fetch(url)).headers.get('content-type')).toMatch(/text\/html/);
  await eventually(() => serversAt(url));
  first.kill('SIGINT');
  const [code] = (await once(first, 'exit')) as [number];
  expect(code).toBe(0);
  await expect(fetch(url)).rejects.toThrow();

  // The goodbye arrived before the collector stopped: the server is off, not silent.
  await using collector = await startCollector({ dataDir: data.path });
  expect((await serversAt(collector.url))[0]?.state).toBe('off');
});

it('where the configuration says Kafka the agent runs too, and goes there', async () => {
  using data = tempDir();
  const kafka = { WINDROW_TRANSPORT: 'kafka', WINDROW_BROKERS: '127.0.0.1:1' };
  const child = startIn(kafka, ['--port', '0', '--data', data.path]);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await urlOf(child);
  await eventually(async () => {
    expect(stderr).toMatch(/"name":"windrow-agent".*no broker answers there/);
  });
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

it('killed with -9, it leaves neither program behind', async () => {
  using data = tempDir();
  const child = start('--port', '0', '--data', data.path);
  await urlOf(child);
  const programs = childrenOf(child.pid);
  expect(programs).toHaveLength(2);
  child.kill('SIGKILL');
  await eventually(async () => expect(programs.filter(isRunning)).toEqual([]));
});

function childrenOf(pid = 0): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
}

function isRunning(pid: string): boolean {
  return existsSync(`/proc/${pid}`);
}

it('a port in use is one clear sentence', async () => {
  using data = tempDir();
  await using other = await startCollector();
  const { port } = new URL(other.url);
  const child = start('--port', port, '--data', data.path);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(1);
  expect(stderr).toMatch(`port ${port} is already in use on 127.0.0.1`);
  expect(stderr).toMatch(/another port with --port/);
  expect(stderr.trim().split('\n')).toHaveLength(2);
});
