import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventually, metric } from '../support/http.ts';
import { run, startCollector, startVerb, tempDir } from '../support/programs.ts';
import { clientOf, sendSamples, steadySamples } from '../support/send.ts';

const DATA = fileURLToPath(new URL('../data/', import.meta.url));
const CSV = join(DATA, 'server_metrics.csv');
const REPORTS = [
  ['cpu-mem', 'expected_cpu_mem.csv'],
  ['net-disk', 'expected_net_disk.csv'],
] as const;

/** Rows as text and numbers, so that 5.0 equals 5. */
function rowsOf(csv: string): (string | number)[][] {
  return csv
    .trim()
    .split('\n')
    .map((line) =>
      line.split(',').map((cell) => (/^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : cell)),
    );
}

function expected(file: string): (string | number)[][] {
  return rowsOf(readFileSync(join(DATA, file), 'utf8'));
}

async function exportedReport(
  dataDir: string,
  report: string,
  ...more: string[]
): Promise<(string | number)[][]> {
  const args = ['export', 'windows', '--report', report, '--data', dataDir, ...more];
  const result = await run('collector', args);
  expect(result.stderr).toBe('');
  return rowsOf(result.stdout);
}

async function replayed(url: string, path: string, ...args: string[]): Promise<string> {
  const result = await run('agent', ['replay', path, '--to', url, '--wait', ...args]);
  expect(result.stderr).toBe('');
  expect(result.code).toBe(0);
  return result.stdout;
}

function secondsOf(row: string): number {
  const [h = 0, m = 0, s = 0] = row.slice(0, 8).split(':').map(Number);
  return h * 3_600 + m * 60 + s;
}

/** The same rows, each at most five seconds from its place. */
function shuffledWithinLateness(): string {
  const [header = '', ...rows] = readFileSync(CSV, 'utf8').trim().split('\n');
  let state = 12_345;
  const random = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  const moved = rows
    .map((row) => ({ row, at: secondsOf(row) + random() * 5 }))
    .sort((a, b) => a.at - b.at)
    .map(({ row }) => row);
  expect(moved).not.toEqual(rows);
  return `${[header, ...moved].join('\n')}\n`;
}

describe.each(REPORTS)('report %s', (report, file) => {
  it('of `windows FILE` equals the independently computed windows', async () => {
    const result = await run('collector', ['windows', CSV, '--report', report]);
    expect(result.code).toBe(0);
    expect(rowsOf(result.stdout)).toEqual(expected(file));
  });

  it('of a replay into a running collector equals them too, with rows shuffled within the lateness', async () => {
    using data = tempDir();
    const path = join(data.path, 'shuffled.csv');
    writeFileSync(path, shuffledWithinLateness());
    await using collector = await startCollector();
    await replayed(collector.url, path, '--speed', 'max');
    expect(await exportedReport(collector.dataDir, report)).toEqual(expected(file));
  });
});

it.each([
  ['--speed', 'max'],
  ['--speed', '600'],
  ['--groups-per-second', '200'],
])('%s %s gives the same windows', async (...pace) => {
  await using collector = await startCollector();
  await replayed(collector.url, CSV, ...pace);
  for (const [report, file] of REPORTS) {
    expect(await exportedReport(collector.dataDir, report)).toEqual(expected(file));
  }
});

it('a second replay of the same file changes nothing, even after a restart', async () => {
  using data = tempDir();
  const first = await startCollector({ dataDir: data.path });
  expect(await replayed(first.url, CSV, '--speed', 'max')).toMatch(
    /^976 rows: 976 stored, 0 were there already, 0 malformed$/m,
  );
  await first.kill();
  await using second = await startCollector({ dataDir: data.path });
  expect(await replayed(second.url, CSV, '--speed', 'max')).toMatch(
    /^976 rows: 0 stored, 976 were there already, 0 malformed$/m,
  );
  expect(await exportedReport(data.path, 'cpu-mem')).toEqual(expected('expected_cpu_mem.csv'));
  expect(await metric(second.url, 'windrow_samples_duplicate_total')).toBe(976);
});

it('--day dates the first row; another one is refused where the collector has the file, and none is needed', async () => {
  await using collector = await startCollector();
  const day = ['--speed', 'max', '--day', '2025-02-03'];
  await replayed(collector.url, CSV, ...day);
  const args = ['export', 'samples', '--data', collector.dataDir];
  const { stdout } = await run('collector', args);
  expect(stdout.split('\n')[1]).toContain(',2025-02-03T20:52:00');
  const other = ['replay', CSV, '--to', collector.url, '--day', '2025-02-04'];
  const { code, stderr } = await run('agent', other);
  expect([code, stderr.split('\n')[0]]).toEqual([
    2,
    'windrow-agent: --day: the collector has this file as of 2025-02-03',
  ]);
  expect(await replayed(collector.url, CSV, '--speed', 'max')).toMatch(/ 976 were there already,/);
});

it('malformed rows are named by line and left out; the others count', async () => {
  using data = tempDir();
  const path = join(data.path, 'some-bad.csv');
  const [header, ...rows] = readFileSync(CSV, 'utf8').trim().split('\n');
  rows.splice(10, 0, 'not a row', '20:52:10,server_1,abc,1,1,1,1');
  writeFileSync(path, `${[header, ...rows].join('\n')}\n`);
  await using collector = await startCollector();
  const result = await run('agent', [
    'replay',
    path,
    '--to',
    collector.url,
    '--wait',
    '--speed',
    'max',
  ]);
  expect(result.stderr).toMatch(/line 12 is left out/);
  expect(result.stderr).toMatch(/line 13 is left out: cpu_pct is no number: abc/);
  expect(result.stdout).toMatch(/^976 rows: 976 stored, 0 were there already, 2 malformed$/m);
  expect(await exportedReport(collector.dataDir, 'cpu-mem')).toEqual(
    expected('expected_cpu_mem.csv'),
  );
});

it.each([
  [[], '21 min'],
  [['--speed', '100'], '13 s'],
  [['--groups-per-second', '20'], '13 s'],
])('a replay with %j says at once how long it takes', async (pace, takes) => {
  await using collector = await startCollector();
  await using replay = startVerb(['replay', CSV, '--to', collector.url, ...pace]);
  const said = `replaying 976 rows of 4 servers takes ${takes}; with --speed max it is done at once\n`;
  await eventually(async () => expect(replay.log()).toBe(said));
});

it('a file in which no row can be read is refused with the first ones and why', async () => {
  using data = tempDir();
  const path = join(data.path, 'bad.csv');
  writeFileSync(path, `ts,server_id,cpu_pct,mem_pct\n${'2026-13-40,s9,21,51\n'.repeat(5)}`);
  const result = await run('agent', ['replay', path, '--to', 'http://127.0.0.1:1']);
  expect([result.code, result.stdout]).toEqual([1, '']);
  expect(result.stderr.split('\n')).toEqual([
    `windrow-agent: ${path}: no row can be read`,
    ...[2, 3, 4].map((line) => `  line ${line} is left out: not a time: 2026-13-40`),
    '  and 2 more',
    '',
  ]);
});

it('beside a live agent and another replay, --source gives the windows of one file alone', async () => {
  using data = tempDir();
  const other = join(data.path, 'other.csv');
  writeFileSync(other, `${readFileSync(CSV, 'utf8').trim()}\n\n`);
  await using collector = await startCollector();
  const now = Math.floor(Date.now() / 10_000) * 10_000;
  await sendSamples(clientOf(collector.url), steadySamples('live-pc', now - 120_000, 120));
  await replayed(collector.url, other, '--speed', 'max');
  const said = await replayed(collector.url, CSV, '--speed', 'max');
  const source = /^source ([0-9a-f]{64})$/m.exec(said)?.[1] ?? '';
  const rows = (...args: string[]) => exportedReport(collector.dataDir, 'cpu-mem', ...args);
  expect(await rows('--source', source)).toEqual(expected('expected_cpu_mem.csv'));
  const live = await rows('--source', 'live');
  expect(live.length).toBeGreaterThan(5);
  expect(live.slice(1).every(([server]) => server === 'live-pc')).toBe(true);
  expect((await rows()).length).toBe(2 * 500 + live.length);
});

it('the fleet’s windows of a replay are there when --wait returns', async () => {
  await using collector = await startCollector();
  await replayed(collector.url, CSV, '--speed', 'max');
  const result = await run('collector', [
    'export',
    'windows',
    '--fleet',
    '--format',
    'json',
    '--data',
    collector.dataDir,
  ]);
  const windows = JSON.parse(result.stdout) as { servers: number; cpu_pct_servers: number }[];
  expect(windows.length).toBeGreaterThan(100);
  expect(Math.max(...windows.map((window) => window.servers))).toBe(4);
});
