/**
 * `bench catch-up`: how a day's backlog drains, and how old the newest known sample is meanwhile. A
 * real agent with its defaults whose outbox holds 24 h of samples when a real collector comes back;
 * then the same outbox shipped oldest first without a pause, as most agents do, to another collector.
 */
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { outboxPath } from '../agent/outbox/place.ts';
import type { FleetView } from '../collector/api/contract.ts';
import { DAY_SAMPLES, type Day, fillDay, SERVER_ID, shapeOfSamples } from './catch-up-day.ts';
import { type Stored, storedIn } from './catch-up-store.ts';
import { type Cost, costsOf } from './process-cost.ts';
import { finished, firstLine, spawnNode } from './programs.ts';
import { type BenchResult, rounded } from './result.ts';

/** The collector comes back when the shipper has measured for some seconds. */
const awayMs = 8_000;
const lookEveryMs = 100;
/** A drain that takes longer is a failure. */
const drainMsMax = 30 * 60_000;
/** For the last windows: the lateness, and the store's group. */
const settleMs = 15_000;
const mebibyte = 1024 ** 2;

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

interface Drain {
  readonly drainS: number;
  /** At each look from the first batch until the backlog is gone, ascending. */
  readonly liveAgesMs: readonly number[];
  readonly cpuS: number;
  readonly rssMib: number;
}

interface Measured extends Drain {
  readonly lost: number;
  readonly stored: Stored;
}

export async function run(): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  const data = { agent: join(folder, 'agent'), oldestFirst: join(folder, 'oldest-first') };
  try {
    const day = await fillDay(data.agent, await shapeOfSamples());
    cpSync(data.agent, data.oldestFirst, { recursive: true });
    const outboxMib = statSync(outboxPath(data.agent)).size / mebibyte;
    console.log(`a day of samples waits: ${Math.round(outboxMib)} MiB`);
    const flags = ['--data', data.agent, '--server-id', SERVER_ID];
    const agent = await measure(day, (url) => [
      here('../agent/launch.js'),
      'run',
      '--to',
      url,
      ...flags,
    ]);
    console.log('the agent is done');
    const oldestFirst = await measure(day, (url) => [
      here('./catch-up-oldest-first.ts'),
      url,
      data.oldestFirst,
    ]);
    return resultOf({ day, outboxMib, agent, oldestFirst });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(day: Day, shipperArgs: (url: string) => string[]): Promise<Measured> {
  const data = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  const children: ChildProcess[] = [];
  const start = (args: readonly string[]): ChildProcess => {
    const child = spawnNode(args, { WINDROW_LOG: 'error' });
    children.push(child);
    return child;
  };
  const startCollector = (port: string): ChildProcess =>
    start([here('../collector/main.ts'), 'serve', '--port', port, '--data', data]);
  try {
    const first = startCollector('0');
    const url = (await firstLine(first)).replace(/^ready /, '');
    await stop(first);
    const shipper = start(shipperArgs(url));
    await pause(awayMs);
    const collector = startCollector(new URL(url).port);
    await firstLine(collector);
    const drain = await watch(url, shipper.pid ?? -1);
    await pause(settleMs);
    await stop(shipper);
    const lost = await metric(url, 'windrow_samples_lost_total');
    await stop(collector);
    return { ...drain, lost, stored: storedIn(data, day) };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(finished));
    rmSync(data, { recursive: true, force: true });
  }
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await finished(child);
}

/** Looks at the collector as its page does, until the backlog has come and gone. */
async function watch(url: string, pid: number): Promise<Drain> {
  const agesMs: number[] = [];
  const costs: Cost[] = [];
  let startMs: number | undefined;
  for (const deadlineMs = Date.now() + drainMsMax; Date.now() < deadlineMs; ) {
    const { servers } = (await (await fetch(`${url}/api/fleet`)).json()) as FleetView;
    const server = servers[0];
    const nowMs = Date.now();
    if (server !== undefined && startMs !== undefined) {
      if (server.catch_up === null && (await isDayReceived(url))) {
        costs.push(...costsOf([pid]).values());
        return { drainS: (nowMs - startMs) / 1_000, ...figuresOf(agesMs, costs) };
      }
      agesMs.push(nowMs - server.ts);
      if (agesMs.length % 10 === 0) costs.push(...costsOf([pid]).values());
    } else if (server !== undefined && server.catch_up !== null) {
      startMs = nowMs;
      costs.push(...costsOf([pid]).values());
    }
    await pause(lookEveryMs);
  }
  throw new Error('the backlog did not drain');
}

function figuresOf(agesMs: readonly number[], costs: readonly Cost[]): Omit<Drain, 'drainS'> {
  return {
    liveAgesMs: [...agesMs].sort((a, b) => a - b),
    cpuS: (costs.at(-1)?.cpuS ?? Number.NaN) - (costs[0]?.cpuS ?? Number.NaN),
    rssMib: Math.max(...costs.map(({ rssBytes }) => rssBytes / mebibyte)),
  };
}

async function isDayReceived(url: string): Promise<boolean> {
  return (await metric(url, 'windrow_samples_received_total')) >= DAY_SAMPLES;
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

interface Both {
  readonly day: Day;
  readonly outboxMib: number;
  readonly agent: Measured;
  readonly oldestFirst: Measured;
}

function resultOf({ day, outboxMib, agent, oldestFirst }: Both): BenchResult {
  const worstMs = (of: Measured): number => of.liveAgesMs.at(-1) ?? Number.NaN;
  return {
    bench: 'catch-up',
    figures: {
      samplesWaiting: DAY_SAMPLES,
      sampleBytesMean: Math.round(day.lineBytesMean),
      outboxMib: rounded(outboxMib),
      ...named('', agent),
      ...named('oldestFirst_', oldestFirst),
    },
    ratios: {
      oldestFirstToAgentLiveAgeMax: rounded(worstMs(oldestFirst) / worstMs(agent)),
      agentToOldestFirstDrain: rounded(agent.drainS / oldestFirst.drainS),
    },
  };
}

function named(prefix: string, { stored, ...of }: Measured): Record<string, number> {
  const figures = {
    drainS: rounded(of.drainS),
    liveAgeMsP50: quantile(of.liveAgesMs, 0.5),
    liveAgeMsP99: quantile(of.liveAgesMs, 0.99),
    liveAgeMsMax: quantile(of.liveAgesMs, 1),
    cpuSeconds: rounded(of.cpuS),
    rssMibMax: rounded(of.rssMib),
    samplesMissing: stored.missing + stored.liveMissing,
    samplesLost: of.lost,
    liveSamples: stored.live,
    windowsOfDay: stored.windows,
    windowsUnfinished: stored.windowsUnfinished,
  };
  return Object.fromEntries(Object.entries(figures).map(([name, n]) => [`${prefix}${name}`, n]));
}

/** Nearest rank. @param sorted ascending */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
