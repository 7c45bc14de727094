/** What waits on a broker, and collectors that take it in, each a process of its own, watched from outside. */
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { openForReading } from '../collector/store/database.ts';
import { NEWEST_SAMPLE } from '../collector/store/sample-statements.ts';
import { ALERTS_TOPIC } from '../wire/records/alert-record.ts';
import { WINDOW_RESULTS_TOPIC } from '../wire/records/window-result.ts';
import type { Kind } from './kafka-kinds.ts';
import { costsOf } from './process-cost.ts';
import { finished, firstLine, spawnNode } from './programs.ts';

const lookEveryMs = 25;
/** An answer costs the collector some ms, which count as its own. */
const askEveryMs = 250;
/** Nothing new for so long: it never comes. */
const stalledMsMax = 30_000;
const mebibyte = 1024 ** 2;
const loadScript = fileURLToPath(new URL('./kafka-load.ts', import.meta.url));
const collectorMain = fileURLToPath(new URL('../collector/main.ts', import.meta.url));

export interface Load {
  readonly kind: Kind;
  readonly servers: number;
  readonly samples: number;
}

/** Writes what collectors then find waiting. @throws Error when not all is written */
export async function fillTopics(brokers: readonly string[], load: Load): Promise<void> {
  const { kind, servers, samples } = load;
  const args = [brokers.join(','), kind, String(servers), String(samples)];
  const child = spawnNode([loadScript, ...args]);
  await finished(child);
  if (child.exitCode !== 0) throw new Error(`the topics were not filled: ${child.exitCode}`);
}

export interface Taking {
  readonly brokers: readonly string[];
  /** In one group. */
  readonly collectors: number;
  /** In the topics, waiting: each becomes a row of the store. */
  readonly records: number;
}

export interface Taken {
  /** From the first commit to that of the last record. */
  readonly recordsPerSecond: number;
  /** From the last record's commit until every window is published and nothing is behind. */
  readonly drainS: number;
  /** Of all collectors, from the first commit until all is published. */
  readonly cpuUsPerRecord: number;
  /** Of the largest collector, at its highest. */
  readonly rssMibMax: number;
  /** Sources are in memory: of all collectors when all is published. */
  readonly rssMib: number;
  readonly recordsMissing: number;
}

interface Watched {
  readonly child: ChildProcess;
  readonly url: string;
  readonly db: DatabaseSync;
}

/** Each call begins anew: an empty store, a new group, and no windows known of anybody. */
export async function takeIn({ brokers, collectors, records }: Taking): Promise<Taken> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  const group = `bench-${randomUUID()}`;
  await deleteTopics(brokers, [WINDOW_RESULTS_TOPIC, ALERTS_TOPIC]);
  const children: ChildProcess[] = [];
  try {
    for (let n = 0; n < collectors; n += 1) {
      const args = ['--port', '0', '--data', join(folder, `${n}`), '--kafka', brokers.join(',')];
      const env = { WINDROW_KAFKA_GROUP: group, WINDROW_LOG: 'warn' };
      children.push(spawnNode([collectorMain, 'serve', ...args], env));
    }
    const watched = await Promise.all(
      children.map(async (child, n): Promise<Watched> => {
        const url = (await firstLine(child)).replace(/^ready /, '');
        return { child, url, db: openForReading(join(folder, `${n}`)) };
      }),
    );
    const taken = await watch(watched, records);
    for (const { db } of watched) db.close();
    return taken;
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map((child) => finished(child)));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function watch(watched: readonly Watched[], records: number): Promise<Taken> {
  const first = await untilStored(watched, 1);
  const cpuBeforeS = cpuSOf(watched);
  const last = await untilStored(watched, records);
  await untilDrained(watched);
  const drainedMs = performance.now();
  const rssMib = watched.map(({ child }) => memoryMib(child, 'VmRSS'));
  const taken = last.stored - first.stored;
  return {
    recordsPerSecond: (taken * 1_000) / (last.atMs - first.atMs),
    drainS: (drainedMs - last.atMs) / 1_000,
    cpuUsPerRecord: ((cpuSOf(watched) - cpuBeforeS) * 1e6) / taken,
    rssMibMax: Math.max(...watched.map(({ child }) => memoryMib(child, 'VmHWM'))),
    rssMib: rssMib.reduce((sum, mib) => sum + mib, 0),
    recordsMissing: records - last.stored,
  };
}

/** @throws Error when no more come before there are so many */
async function untilStored(watched: readonly Watched[], records: number) {
  let stored = 0;
  for (let changedMs = performance.now(); ; await pause(lookEveryMs)) {
    const atMs = performance.now();
    const now = watched.reduce((sum, { db }) => sum + rowsIn(db), 0);
    if (now >= records) return { stored: now, atMs };
    if (now > stored) changedMs = atMs;
    if (atMs - changedMs > stalledMsMax) throw new Error(`${now} of ${records} records are stored`);
    stored = now;
  }
}

/** Nothing was deleted yet, so the highest row tells how many there are; those written ahead do not count before their commit. */
function rowsIn(db: DatabaseSync): number {
  return Number(db.prepare(`${NEWEST_SAMPLE} AS n`).get()?.['n']);
}

async function untilDrained(watched: readonly Watched[]): Promise<void> {
  const untilMs = performance.now() + stalledMsMax;
  while (performance.now() < untilMs) {
    const pages = await Promise.all(
      watched.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()),
    );
    const figure = (name: string): number =>
      pages.reduce(
        (sum, page) => sum + Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(page)?.[1]),
        0,
      );
    if (
      figure('windrow_log_behind_records') + figure('windrow_results_unpublished_records') ===
      0
    ) {
      return;
    }
    await pause(askEveryMs);
  }
  throw new Error('the lag does not drain');
}

function cpuSOf(watched: readonly Watched[]): number {
  const costs = costsOf(watched.map(({ child }) => child.pid ?? -1));
  return [...costs.values()].reduce((sum, { cpuS }) => sum + cpuS, 0);
}

/** As proc(5) names it: VmRSS is now, VmHWM the highest so far. */
function memoryMib({ pid }: ChildProcess, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / mebibyte;
}

async function deleteTopics(brokers: readonly string[], names: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const gone = async (): Promise<boolean> => {
    const there = await admin.listTopics();
    return names.every((name) => !there.includes(name));
  };
  const there = (await admin.listTopics()).filter((name) => names.includes(name));
  if (there.length > 0) await admin.deleteTopics({ topics: there });
  while (!(await gone())) await pause(lookEveryMs);
  await admin.disconnect();
}
