/**
 * `bench ingest`: samples from 1,000 simulated agents over HTTP, through decode, windows and
 * SQLite, in a collector process of its own, beside a bare peer that only parses the same bodies
 * and appends the same rows (no validation, no repeats, no windows, no page).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { type LoadReport, SAMPLES } from './ingest-load.ts';
import { finished, firstLine, spawnNode } from './programs.ts';
import { type BenchResult, median } from './result.ts';

const runs = 3;
/** Batches on their way at once when the collector is asked for all that it can. */
const inFlightMax = 64;
/** The load at which the acknowledgment's delay is measured. */
const offeredPerSecond = 55_000;
const inFlightPaced = 200;

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

interface Measured extends LoadReport {
  readonly rows: number;
}

export async function run(): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  try {
    const bodies = join(folder, 'bodies');
    await finished(spawnNode([here('./ingest-load.ts'), 'encode', bodies]));
    const most: Measured[] = [];
    const paced: Measured[] = [];
    const bare: Measured[] = [];
    for (let i = 0; i < runs; i += 1) {
      const data = join(folder, `run-${i}`);
      most.push(await measure(collectorArgs(`${data}-most`), { bodies, data: `${data}-most` }));
      paced.push(
        await measure(collectorArgs(`${data}-paced`), {
          bodies,
          data: `${data}-paced`,
          perSecond: offeredPerSecond,
        }),
      );
      bare.push(
        await measure([here('./ingest-bare.ts'), `${data}-bare`], { bodies, data: `${data}-bare` }),
      );
    }
    return resultOf({ most, paced, bare });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function resultOf(measured: Readonly<Record<'most' | 'paced' | 'bare', Measured[]>>): BenchResult {
  const figure = (of: Measured[], key: keyof Measured): number => median(of.map((run) => run[key]));
  const lost = [...measured.most, ...measured.paced].map((run) => SAMPLES - run.rows);
  const most = figure(measured.most, 'samplesPerSecond');
  const bare = figure(measured.bare, 'samplesPerSecond');
  return {
    bench: 'ingest',
    figures: {
      samplesPerSecond: Math.round(most),
      offeredPerSecond,
      pacedSamplesPerSecond: Math.round(figure(measured.paced, 'samplesPerSecond')),
      pacedAckMsP50: Math.round(figure(measured.paced, 'ackMsP50')),
      pacedAckMsP99: Math.round(figure(measured.paced, 'ackMsP99')),
      mostAckMsP99: Math.round(figure(measured.most, 'ackMsP99')),
      bareSamplesPerSecond: Math.round(bare),
      samplesLost: Math.max(...lost),
    },
    ratios: { ofBarePeer: most / bare },
  };
}

function collectorArgs(data: string): string[] {
  const limit = { WINDROW_INGEST_REQUESTS_PER_SECOND: '1000000', WINDROW_LOG: 'warn' };
  Object.assign(process.env, limit);
  return [here('../collector/main.ts'), 'serve', '--port', '0', '--data', data];
}

interface Load {
  readonly bodies: string;
  readonly data: string;
  readonly perSecond?: number;
}

/** Starts the server, sends everything, stops it, and counts the rows that are really stored. */
async function measure(serverArgs: readonly string[], load: Load): Promise<Measured> {
  const server = spawnNode(serverArgs);
  try {
    const url = (await firstLine(server)).replace(/^ready /, '');
    const inFlight = load.perSecond === undefined ? inFlightMax : inFlightPaced;
    const sender = spawnNode([
      here('./ingest-load.ts'),
      'send',
      load.bodies,
      url,
      String(inFlight),
      ...(load.perSecond === undefined ? [] : [String(load.perSecond)]),
    ]);
    const report = JSON.parse(await firstLine(sender)) as LoadReport;
    await finished(sender);
    server.kill('SIGTERM');
    await finished(server);
    return { ...report, rows: rowsStored(load.data) };
  } finally {
    server.kill('SIGKILL');
  }
}

function rowsStored(data: string): number {
  const db = new DatabaseSync(join(data, 'collector', 'windrow.db'), { readOnly: true });
  const row = db.prepare('SELECT count(*) AS n FROM samples').get();
  db.close();
  return Number(row?.['n'] ?? 0);
}
