/**
 * `bench agent [--minutes N] [--kafka]`: what the agent costs the machine it watches. A real agent
 * with its defaults, outbox and sending to a real collector included, on a machine with 200 processes
 * more; one that looks at processes every second; with `--kafka` one that sends to a real broker;
 * node_exporter, asked every second, and netdata; and measuring alone beside a loop that only reads.
 * All of them at once, for ten minutes, so that each sees the same machine. CPU time is that of a
 * process and of all that it started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passing } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { everyTick } from '../agent/ticker.ts';
import { WindrowError } from '../runtime/errors.ts';
import { type Peer, startNetdata, startNodeExporter } from './agent-peers.ts';
import { startBroker } from './kafka-log.ts';
import { type Cost, costsOf } from './process-cost.ts';
import { firstLine, spawnNode } from './programs.ts';
import { type BenchResult, median, rounded } from './result.ts';

const sleepers = 200;
const minutesDefault = 10;
/** Apart from what is measured: starting, the first compilations, the inventory. */
const warmUpS = 30;
const mebibyte = 1024 ** 2;

/** Each second, without and with a look at every process. */
const LOOPS = [
  { name: 'sampling', args: ['sampler', 'base'] },
  { name: 'sampling_processes', args: ['sampler', 'processes'] },
  { name: 'bare', args: ['bare', 'base'] },
  { name: 'bare_processes', args: ['bare', 'processes'] },
] as const;

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

interface Contender {
  readonly name: string;
  readonly child: ChildProcess;
}

interface Measured {
  readonly name: string;
  readonly cpuSecondsPerMinute: number;
  readonly rssMib: number;
  readonly rssMibMax: number;
  /** Median of the last minute less that of the first. */
  readonly rssMibGrown: number;
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const { minutes, kafka } = optionsOf(args);
  const seconds = Math.round(minutes * 60);
  await using broker = kafka ? await startBroker() : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  const children: ChildProcess[] = [];
  try {
    for (let n = 0; n < sleepers; n += 1) children.push(spawn('sleep', ['7200']));
    const collector = spawnNode(
      [here('../collector/main.ts'), 'serve', '--port', '0', '--data', join(folder, 'collector')],
      { WINDROW_LOG: 'warn' },
    );
    children.push(collector);
    const url = (await firstLine(collector)).replace(/^ready /, '');
    const peers = [await startNodeExporter(), await startNetdata(join(folder, 'netdata'))];
    const direct = ['--to', url];
    const own = await startApart([
      agentStarter('agent', direct, folder),
      agentStarter('agent_processes_1s', direct, folder, { WINDROW_PROCESSES_INTERVAL: '1s' }),
      ...(broker === undefined
        ? []
        : [agentStarter('agent_kafka', ['--kafka', broker.brokers.join(',')], folder)]),
      ...loopStarters(),
    ]);
    const contenders = [...own, ...peers];
    children.push(...contenders.map(({ child }) => child));
    return resultOf(await measure({ contenders, peers, seconds }));
  } finally {
    await endAll(children);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws WindrowError `usage` */
function optionsOf(args: readonly string[]): { minutes: number; kafka: boolean } {
  const kafka = args.includes('--kafka');
  const [flag = '--minutes', value = `${minutesDefault}`, ...rest] = args.filter(
    (arg) => arg !== '--kafka',
  );
  const minutes = Number(value);
  const isRight = flag === '--minutes' && rest.length === 0 && minutes > 0 && minutes <= 60;
  if (isRight) return { minutes, kafka };
  throw new WindrowError(
    'usage',
    'bench agent takes --minutes N, above 0 and up to 60, and --kafka',
  );
}

/** @param to flags that say where it sends */
function agentStarter(
  name: string,
  to: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv = {},
): () => Contender {
  const args = ['run', ...to, '--data', join(folder, name), '--server-id', `bench-${name}`];
  const child = (): ChildProcess =>
    spawnNode([here('../agent/launch.js'), ...args], { WINDROW_LOG: 'warn', ...env });
  return () => ({ name, child: child() });
}

function loopStarters(): (() => Contender)[] {
  return LOOPS.map(({ name, args }) => () => ({
    name,
    child: spawnNode([here('./agent-loops.ts'), ...args]),
  }));
}

/**
 * Each at another moment of the second. They tick a second apart from when they began: all at one
 * instant, they would wait for the same cores and push each other's data out of the caches, which
 * no PC with one agent on it sees.
 */
async function startApart(starters: readonly (() => Contender)[]): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (const start of starters) {
    contenders.push(start());
    await passing(1_000 / starters.length);
  }
  return contenders;
}

interface Run {
  readonly contenders: readonly Contender[];
  readonly peers: readonly Peer[];
  readonly seconds: number;
}

async function measure({ contenders, peers, seconds }: Run): Promise<Measured[]> {
  const pids = contenders.map(({ child }) => child.pid ?? -1);
  const looks: ReadonlyMap<number, Cost>[] = [];
  const ended = new AbortController();
  let second = 0;
  await everyTick(1_000, ended.signal, async () => {
    await Promise.all(peers.map((peer) => peer.eachSecond()));
    second += 1;
    if (second > warmUpS) looks.push(costsOf(pids));
    if (looks.length > seconds) ended.abort();
  });
  return contenders.map(({ name, child }) => {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    const costs = looks.flatMap((look) => look.get(child.pid ?? -1) ?? []);
    return { name, ...figuresOf(costs) };
  });
}

/** @param costs of one contender, one each second */
function figuresOf(costs: readonly Cost[]): Omit<Measured, 'name'> {
  const rssMib = costs.map(({ rssBytes }) => rssBytes / mebibyte);
  const spentS = (costs.at(-1)?.cpuS ?? Number.NaN) - (costs[0]?.cpuS ?? Number.NaN);
  return {
    cpuSecondsPerMinute: (spentS * 60) / (costs.length - 1),
    rssMib: median(rssMib),
    rssMibMax: Math.max(...rssMib),
    rssMibGrown: median(rssMib.slice(-60)) - median(rssMib.slice(0, 60)),
  };
}

function resultOf(measured: readonly Measured[]): BenchResult {
  console.table(
    measured.map((each) => ({
      name: each.name,
      'CPU s/min': rounded(each.cpuSecondsPerMinute),
      'RSS MiB, median': rounded(each.rssMib),
      'RSS MiB, max': rounded(each.rssMibMax),
      'grown MiB': rounded(each.rssMibGrown),
    })),
  );
  const figures: Record<string, number> = {};
  for (const { name, ...of } of measured) {
    figures[`${name}_cpuSecondsPerMinute`] = rounded(of.cpuSecondsPerMinute);
    // A loop that only measures is no agent: its memory says nothing.
    if (LOOPS.some((loop) => loop.name === name)) continue;
    figures[`${name}_rssMib`] = rounded(of.rssMib);
    figures[`${name}_rssMibMax`] = rounded(of.rssMibMax);
    figures[`${name}_rssMibGrown`] = rounded(of.rssMibGrown);
  }
  const cpuOf = (name: string): number =>
    measured.find((each) => each.name === name)?.cpuSecondsPerMinute ?? Number.NaN;
  const ratio = (of: string, to: string): number => rounded(cpuOf(of) / cpuOf(to));
  const hasKafka = measured.some(({ name }) => name === 'agent_kafka');
  if (hasKafka) {
    const added = cpuOf('agent_kafka') - cpuOf('agent');
    figures['agent_kafka_cpuSecondsAdded'] = Math.round(added * 1_000) / 1_000;
  }
  return {
    bench: 'agent',
    figures,
    ratios: {
      nodeExporterToAgentCpu: ratio('node_exporter', 'agent'),
      netdataToAgentCpu: ratio('netdata', 'agent'),
      samplingToBareCpu: ratio('sampling', 'bare'),
      samplingToBareCpuProcesses: ratio('sampling_processes', 'bare_processes'),
      ...(hasKafka ? { kafkaToDirectCpu: ratio('agent_kafka', 'agent') } : {}),
    },
  };
}

async function endAll(children: readonly ChildProcess[]): Promise<void> {
  const alive = children.filter(({ exitCode, signalCode }) => exitCode === null && !signalCode);
  await Promise.all(
    alive.map(async (child) => {
      const exited = once(child, 'exit');
      // netdata's plugins end with it when it is asked, and stay behind when it is killed.
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(timer);
    }),
  );
}
