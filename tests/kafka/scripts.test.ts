import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { install } from '../../scripts/kafka/install.ts';
import { eventually } from '../support/http.ts';
import { tempDir } from '../support/programs.ts';
import { pathOf } from '../support/tools.ts';
import { kafkaJs, kafkaMissing, withAdmin } from './support/kafka.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/kafka/main.ts', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly stderr: () => string;
}

/** In a group of its own, as a terminal has it. */
function kafka(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Run {
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  if (child.stdout === null) throw new Error('no output');
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return { child, lines, stderr: () => stderr };
}

async function readyBrokers({ child, lines, stderr }: Run): Promise<string[]> {
  return eventually(async () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${stderr()}`);
    const brokers = /^ready (\S+)$/.exec(lines[0] ?? '')?.[1];
    if (brokers === undefined) throw new Error(`not ready: ${lines.join('\n')} ${stderr()}`);
    return brokers.split(',');
  }, 100_000);
}

async function ended({ child }: Run): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

/** Java processes that work in a folder below this one. */
function brokersOn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${folder}/`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function groupOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the name, which may hold anything: state, parent, group.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2];
}

describe.skipIf(kafkaMissing)('npm run kafka', () => {
  it('Ctrl-C reaches the whole group: the broker ends cleanly, and the folder keeps its topics', async () => {
    using data = tempDir();
    const first = kafka(['--data', data.path]);
    const brokers = await readyBrokers(first);
    const [broker = 0, ...others] = brokersOn(data.path);
    expect(others).toEqual([]);
    // The broker does not hear it: it is asked to stop, once.
    expect(groupOf(broker)).not.toBe(groupOf(first.child.pid ?? 0));
    await withAdmin(kafkaJs(brokers), (admin) =>
      admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 3 }] }),
    );
    process.kill(-(first.child.pid ?? Number.NaN), 'SIGINT');
    expect(await ended(first)).toBe(0);
    expect(brokersOn(data.path)).toEqual([]);
    expect(first.stderr()).not.toMatch(/broker/);
    // Kafka writes this when it has closed every log by itself, and not when it is killed.
    expect(existsSync(join(data.path, 'node-1/data/.kafka_cleanshutdown'))).toBe(true);

    const second = kafka(['--data', data.path]);
    // The same port: whoever was configured for it finds it again.
    expect(await readyBrokers(second)).toEqual(brokers);
    const topics = await withAdmin(kafkaJs(brokers), (admin) => admin.listTopics());
    expect(topics).toEqual(['kept']);

    const third = kafka(['--data', data.path]);
    expect(await ended(third)).toBe(1);
    expect(third.stderr()).toMatch(/another Kafka runs on/);
    second.child.kill('SIGTERM');
    expect(await ended(second)).toBe(0);
  });

  it('without --data it starts empty and leaves no file', async () => {
    using tmp = tempDir();
    const run = kafka([], { ...process.env, TMPDIR: tmp.path });
    const brokers = await readyBrokers(run);
    expect(brokersOn(tmp.path)).toHaveLength(1);
    expect(await withAdmin(kafkaJs(brokers), (admin) => admin.listTopics())).toEqual([]);
    run.child.kill('SIGTERM');
    expect(await ended(run)).toBe(0);
    expect(brokersOn(tmp.path)).toEqual([]);
    expect(readdirSync(tmp.path)).toEqual([]);
  });

  it('--prepare only fetches: it starts no broker, and ends', async () => {
    using data = tempDir();
    using tmp = tempDir();
    // Where there was something to fetch a broker has run once, for the archive of its classes.
    await install(new AbortController().signal);
    const run = kafka(['--prepare', '--data', data.path], { ...process.env, TMPDIR: tmp.path });
    expect(await ended(run)).toBe(0);
    expect([run.lines, run.stderr()]).toEqual([[], '']);
    // A broker leaves its topics in the one, or has had them in the other.
    expect([readdirSync(data.path), readdirSync(tmp.path)]).toEqual([[], []]);
  });

  it('--nodes 3 names all brokers of one cluster, and leaves none of them', async () => {
    using tmp = tempDir();
    const run = kafka(['--nodes', '3'], { ...process.env, TMPDIR: tmp.path });
    const brokers = await readyBrokers(run);
    expect(new Set(brokers).size).toBe(3);
    expect(brokersOn(tmp.path)).toHaveLength(3);
    // Each answers by itself, and knows the others.
    const addresses = await Promise.all(
      brokers.map((broker) =>
        withAdmin(kafkaJs([broker]), async (admin) => {
          const cluster = await admin.describeCluster();
          return cluster.brokers.map(({ host, port }) => `${host}:${port}`).sort();
        }),
      ),
    );
    expect(addresses).toEqual(brokers.map(() => brokers.toSorted()));
    run.child.kill('SIGTERM');
    expect(await ended(run)).toBe(0);
    expect(brokersOn(tmp.path)).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')('killed with -9 it leaves no broker', async () => {
    using data = tempDir();
    const run = kafka(['--data', data.path]);
    await readyBrokers(run);
    run.child.kill('SIGKILL');
    await eventually(async () => expect(brokersOn(data.path)).toEqual([]));
  });

  it('a broker that ends by itself is told with the end of its log, exit 1', async () => {
    using data = tempDir();
    const run = kafka(['--data', data.path]);
    await readyBrokers(run);
    const [broker = Number.NaN] = brokersOn(data.path);
    process.kill(broker, 'SIGKILL');
    expect(await ended(run)).toBe(1);
    expect(run.stderr()).toMatch(/broker 1 does not run: it ended \(SIGKILL\)/);
    expect(run.stderr()).toMatch(/Kafka Server started/);
  });

  it('a folder of another size is not used', async () => {
    using data = tempDir();
    const first = kafka(['--data', data.path]);
    await readyBrokers(first);
    first.child.kill('SIGTERM');
    await ended(first);
    const layout = readFileSync(join(data.path, 'cluster.json'), 'utf8');
    const other = kafka(['--data', data.path, '--nodes', '3']);
    expect(await ended(other)).toBe(2);
    expect(other.stderr()).toMatch(/holds a cluster of 1, not of 3/);
    expect(readFileSync(join(data.path, 'cluster.json'), 'utf8')).toBe(layout);
  });

  it.each(['--nodes 0', '--nodes 6', '--nodes 1.5', '--brokers 3', '--data a,b', 'more'])(
    '%s is wrong usage',
    async (args) => {
      const run = kafka(args.split(' '));
      expect(await ended(run)).toBe(2);
      expect(run.lines).toEqual([]);
      expect(run.stderr()).toMatch(/^error: .+\n\(npm run kafka -- --help tells more\)\n$/);
    },
  );

  it('no Java is one clear sentence', async () => {
    const run = kafka([], { ...process.env, PATH: '' });
    expect(await ended(run)).toBe(1);
    expect(run.stderr()).toMatch(/Apache Kafka needs Java 17 or newer: there is none in PATH/);
    expect(run.stderr().trim().split('\n')).toHaveLength(2);
  });

  it('so is one that is too old', async () => {
    using programs = tempDir();
    const old = `#!/bin/sh\necho 'openjdk version "11.0.2" 2019-01-15' >&2\n`;
    writeFileSync(join(programs.path, 'java'), old, { mode: 0o755 });
    const run = kafka([], { ...process.env, PATH: programs.path });
    expect(await ended(run)).toBe(1);
    expect(run.stderr()).toMatch(/needs Java 17 or newer: the one in PATH is Java 11/);
  });

  it('no Maven, when there is something to fetch, is one too', async () => {
    using programs = tempDir();
    symlinkSync(pathOf('java') ?? '', join(programs.path, 'java'));
    vi.stubEnv('PATH', programs.path);
    onTestFinished(() => void vi.unstubAllEnvs());
    const installed = install(new AbortController().signal, { cacheDir: programs.path });
    await expect(installed).rejects.toThrow(/needs Maven: there is no mvn in PATH/);
  });

  it('two that install at once both end with a whole Kafka', async () => {
    using cache = tempDir();
    const never = new AbortController().signal;
    const both = [1, 2].map(() => install(never, { cacheDir: cache.path }));
    const [first, second] = await Promise.all(both);
    expect(first).toEqual(second);
    expect(first?.archive.made).toBe(true);
    const left = readdirSync(cache.path, { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => name.endsWith('.part'))).toEqual([]);
    expect(left.filter((name) => /kafka_2\.13-.*\.jar$/.test(name))).toHaveLength(1);
  }, 240_000);
});
