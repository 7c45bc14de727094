import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { WindrowError } from '../../runtime/errors.ts';
import { KafkaCluster } from '../../scripts/kafka/cluster.ts';
import { install } from '../../scripts/kafka/install.ts';
import { eventually } from '../support/http.ts';
import { tempDir } from '../support/programs.ts';
import { pathOf } from '../support/tools.ts';
import { kafkaJs, kafkaMissing, withAdmin } from './support/kafka.ts';
import { makeTopics } from './support/topics.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What npm starts, which most tests leave out: it takes a while. */
const SCRIPT = [process.execPath, 'scripts/kafka/main.ts'];
const NPM = ['npm', 'run', 'kafka', '--'];
/** Kafka's tool and its brokers have three minutes for a start. */
const startMsMax = 200_000;
/** What is seen of a broker that has ended. */
const toldMsMax = 60_000;
const testMsMax = 3 * startMsMax;

interface Run {
  readonly child: ChildProcess;
  /** It has ended, and all that it wrote is here. */
  readonly closed: Promise<unknown>;
  readonly lines: string[];
  readonly stderr: () => string;
}

/** In a group of its own, as a terminal has it. */
function kafka(args: readonly string[], env = process.env, by = SCRIPT): Run {
  const [program = '', ...first] = by;
  const child = spawn(program, [...first, ...args], {
    cwd: ROOT,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) signalGroup(child, 'SIGKILL');
  });
  const lines: string[] = [];
  if (child.stdout === null) throw new Error('no output');
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return { child, closed: once(child, 'close'), lines, stderr: () => stderr };
}

function signalGroup({ pid = Number.NaN }: ChildProcess, signal: NodeJS.Signals): void {
  process.kill(-pid, signal);
}

async function readyBrokers({ child, lines, stderr }: Run): Promise<string[]> {
  return eventually(async () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${stderr()}`);
    // Before it npm says which script of what it runs, between empty lines.
    const brokers = /^(?:\n> .+\n> .+\n\n)?ready (\S+)(?:\n|$)/.exec(lines.join('\n'))?.[1];
    if (brokers === undefined) throw new Error(`not ready: ${lines.join('\n')} ${stderr()}`);
    return brokers.split(',');
  }, startMsMax);
}

async function ended({ child, closed }: Run): Promise<number | null> {
  await closed;
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

function killNode(folder: string, nodeId: number): void {
  const [pid = Number.NaN, ...others] = brokersOn(folder).filter((broker) =>
    readlinkSync(`/proc/${broker}/cwd`).endsWith(`/node-${nodeId}`),
  );
  expect(others).toEqual([]);
  process.kill(pid, 'SIGKILL');
}

function groupOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the name, which may hold anything: state, parent, group.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2];
}

describe.skipIf(kafkaMissing)('npm run kafka', { timeout: testMsMax }, () => {
  it('Ctrl-C reaches the whole group: the broker ends cleanly, and the folder keeps its topics', async () => {
    using data = tempDir();
    const first = kafka(['--data', data.path], process.env, NPM);
    const brokers = await readyBrokers(first);
    const [broker = 0, ...others] = brokersOn(data.path);
    expect(others).toEqual([]);
    // The broker does not hear it: it is asked to stop, once.
    expect(groupOf(broker)).not.toBe(groupOf(first.child.pid ?? 0));
    await makeTopics(kafkaJs(brokers), { topic: 'kept', numPartitions: 3 });
    signalGroup(first.child, 'SIGINT');
    // The shell between npm and the script has had the signal too: many end of it, behind the script.
    expect([0, 'SIGINT']).toContain((await ended(first)) ?? first.child.signalCode);
    expect(brokersOn(data.path)).toEqual([]);
    expect(first.stderr()).not.toMatch(/broker|npm error/);
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
    const pom = readFileSync(new URL('../../scripts/kafka/pom.xml', import.meta.url), 'utf8');
    const [, version = ''] =
      /^Kafka (\d+\.\d+\.\d+) is ready to start$/.exec(run.lines.join()) ?? [];
    expect(pom).toContain(`<version>${version}</version>`);
    expect(run.stderr()).toBe('');
    // A broker leaves its topics in the one, or has had them in the other.
    expect([readdirSync(data.path), readdirSync(tmp.path)]).toEqual([[], []]);
  });

  it('--nodes 3 names all brokers of one cluster, and leaves none of them', async () => {
    using tmp = tempDir();
    const run = kafka(['--nodes', '3'], { ...process.env, TMPDIR: tmp.path });
    const brokers = await readyBrokers(run);
    expect(new Set(brokers).size).toBe(3);
    expect(brokersOn(tmp.path)).toHaveLength(3);
    // Each answers by itself, and knows the others, but while one of them is late for 3 s.
    await eventually(async () => {
      const addresses = await Promise.all(
        brokers.map((broker) =>
          withAdmin(kafkaJs([broker]), async (admin) => {
            const cluster = await admin.describeCluster();
            return cluster.brokers.map(({ host, port }) => `${host}:${port}`).sort();
          }),
        ),
      );
      expect(addresses).toEqual(brokers.map(() => brokers.toSorted()));
    }, toldMsMax);
    run.child.kill('SIGTERM');
    expect(await ended(run)).toBe(0);
    expect(brokersOn(tmp.path)).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')('killed with -9 it leaves no broker', async () => {
    using data = tempDir();
    const run = kafka(['--data', data.path]);
    await readyBrokers(run);
    run.child.kill('SIGKILL');
    await eventually(async () => expect(brokersOn(data.path)).toEqual([]), toldMsMax);
  });

  it('a broker that ends by itself is told with where its log is, exit 1', async () => {
    using data = tempDir();
    const run = kafka(['--data', data.path]);
    await readyBrokers(run);
    const [broker = Number.NaN] = brokersOn(data.path);
    process.kill(broker, 'SIGKILL');
    expect(await ended(run)).toBe(1);
    expect(run.stderr().split('\n')).toEqual([
      'npm run kafka --: Kafka broker 1 ended (SIGKILL)',
      `  Its log is ${data.path}/node-1/broker.log`,
      '',
    ]);
  });

  it('of three, the others go on when one ends, until none is left', async () => {
    using tmp = tempDir();
    const run = kafka(['--nodes', '3'], { ...process.env, TMPDIR: tmp.path });
    const brokers = await readyBrokers(run);
    const told: string[] = [];
    const expectTold = async (line: string): Promise<void> => {
      told.push(line);
      const all = `${told.join('\n')}\n`;
      await eventually(async () => expect(run.stderr()).toBe(all), toldMsMax);
    };
    killNode(tmp.path, 2);
    await expectTold('Kafka broker 2 ended (SIGKILL); the others go on');
    const [first = '', , third = ''] = brokers;
    await eventually(async () => {
      const left = await withAdmin(kafkaJs([first, third]), (admin) => admin.describeCluster());
      expect(new Set(left.brokers.map(({ nodeId }) => nodeId))).toEqual(new Set([1, 3]));
    }, toldMsMax);
    expect(run.child.exitCode).toBeNull();
    killNode(tmp.path, 3);
    await expectTold('Kafka broker 3 ended (SIGKILL); those that go on are too few for a majority');
    killNode(tmp.path, 1);
    expect(await ended(run)).toBe(1);
    // What the last one's JVM may have said on its stderr comes behind it.
    told.push('npm run kafka --: Kafka broker 1 ended (SIGKILL)');
    expect(run.stderr().split('\n').slice(0, 3)).toEqual(told);
    expect(run.stderr()).not.toContain(tmp.path);
    expect(readdirSync(tmp.path)).toEqual([]);
  });

  it('Ctrl-C stops those that are left of three', async () => {
    using data = tempDir();
    const run = kafka(['--nodes', '3', '--data', data.path]);
    await readyBrokers(run);
    killNode(data.path, 2);
    await eventually(async () => expect(run.stderr()).toMatch(/the others go on\n$/), toldMsMax);
    signalGroup(run.child, 'SIGINT');
    expect(await ended(run)).toBe(0);
    expect(run.stderr()).toBe('Kafka broker 2 ended (SIGKILL); the others go on\n');
    expect(brokersOn(data.path)).toEqual([]);
    for (const node of [1, 3]) {
      const clean = join(data.path, `node-${node}/data/.kafka_cleanshutdown`);
      expect(existsSync(clean), clean).toBe(true);
    }
  });

  it('one that cannot start says why, and nothing of a log that is removed', async () => {
    using tmp = tempDir();
    vi.stubEnv('TMPDIR', tmp.path);
    onTestFinished(() => void vi.unstubAllEnvs());
    const never = new AbortController().signal;
    // Kafka's tool that prepares the folder takes it; the broker, which lacks more of that kind, does not.
    const settings = { 'remote.log.storage.system.enable': true };
    const starting = KafkaCluster.start(await install(never), { settings }, never);
    const error = await starting.then(
      () => undefined,
      (reason: unknown) => reason as WindrowError,
    );
    expect(error?.message).toBe('Kafka broker 1 does not run: it ended (exit code 1)');
    expect(error?.hint).toMatch(/ ERROR .*Fatal error during broker startup/);
    expect(error?.hint).not.toMatch(/ INFO |broker\.log|^\s+at /m);
    expect(readdirSync(tmp.path)).toEqual([]);
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
    expect(run.stderr()).toMatch(
      /\n {2}Install one \(Debian: apt-get install default-jre-headless\)\.\n$/,
    );
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

  it('a Java that leaves no archive of its classes runs Kafka without one', async () => {
    using folder = tempDir();
    const never = new AbortController().signal;
    const { classPath } = await install(never);
    const lib = dirname(classPath);
    const cache = join(folder.path, basename(dirname(lib)));
    mkdirSync(cache);
    symlinkSync(lib, join(cache, 'lib'));
    const java = `#!/bin/sh
for one; do shift; case $one in -XX:ArchiveClassesAtExit=*) ;; *) set -- "$@" "$one" ;; esac; done
exec ${pathOf('java')} "$@"
`;
    writeFileSync(join(folder.path, 'java'), java, { mode: 0o755 });
    vi.stubEnv('PATH', `${folder.path}${delimiter}${process.env['PATH']}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const installation = await install(never, { cacheDir: folder.path });
    expect(installation.archive).toBeUndefined();
    expect(readdirSync(cache)).toEqual(['lib']);
    await using cluster = await KafkaCluster.start(installation, {}, never);
    expect(cluster.nodes[0]?.pid).toBeGreaterThan(0);
  });

  it('two that install at once both end with a whole Kafka', async () => {
    using cache = tempDir();
    const never = new AbortController().signal;
    const both = [1, 2].map(() => install(never, { cacheDir: cache.path }));
    const [first, second] = await Promise.all(both);
    expect(first).toEqual(second);
    expect(first?.archive?.made).toBe(true);
    const left = readdirSync(cache.path, { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => name.endsWith('.part'))).toEqual([]);
    expect(left.filter((name) => /kafka_2\.13-.*\.jar$/.test(name))).toHaveLength(1);
  });
});
