import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { METRICS } from '../../wire/metrics.ts';
import { readSeedACsv, scanSeedACsv } from '../../wire/compat/seed-a-csv.ts';
import { RowWindows } from '../windows/from-rows.ts';
import { loadReport } from './load.ts';
import { csvLines, type ReportWindow, reportRows } from './report.ts';

const data = join(import.meta.dirname, '../../tests/data');
const reports = join(import.meta.dirname, '../../config/reports');
const csv = { firstDayMs: Date.UTC(2026, 10, 20) };

async function windowsOf(path: string): Promise<ReportWindow[]> {
  const windows: ReportWindow[] = [];
  const { originMs } = await scanSeedACsv(path, csv);
  const options = {
    windowMs: 30_000,
    slideMs: 10_000,
    latenessMs: 5_000,
    paneRetentionMs: 86_400_000,
    metricCount: METRICS.length,
    originMs,
  };
  const maker = new RowWindows(options, (serverId, window) => windows.push({ serverId, window }));
  for await (const row of readSeedACsv(path, csv)) {
    if ('malformed' in row) throw new Error(`line ${row.line} ${row.malformed}`);
    expect(maker.push(row)).toBe('counted');
  }
  maker.end();
  return windows;
}

async function reportOf(name: string, path: string): Promise<string> {
  const definition = await loadReport(reports, name);
  return [...csvLines(definition, reportRows(definition, await windowsOf(path)))].join('');
}

function secondsOf(line: string): number {
  const [hours, minutes, seconds] = line.slice(0, 8).split(':').map(Number);
  return (hours! * 60 + minutes!) * 60 + seconds!;
}

/** The rows' text in another order: each up to five seconds late, by a fixed sequence. */
function shuffledWithinLateness(text: string): string {
  const [header, ...lines] = text.trimEnd().split('\n');
  const rows = lines.map((line, i) => ({
    line,
    arrives: secondsOf(line) + ((i * 7919) % 5001) / 1000,
  }));
  rows.sort((a, b) => a.arrives - b.arrives);
  return [header, ...rows.map(({ line }) => line), ''].join('\n');
}

describe.each([
  ['cpu-mem', 'expected_cpu_mem.csv'],
  ['net-disk', 'expected_net_disk.csv'],
])('the report %s of the server-metrics data', (name, expectedFile) => {
  it('is byte for byte what was computed independently of windrow', async () => {
    const expected = await readFile(join(data, expectedFile), 'utf8');
    expect(await reportOf(name, join(data, 'server_metrics.csv'))).toBe(expected);
  });

  it('is the same when the rows come out of order within the lateness', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'windrow-golden-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const original = await readFile(join(data, 'server_metrics.csv'), 'utf8');
    const shuffled = shuffledWithinLateness(original);
    expect(shuffled).not.toBe(original);
    await writeFile(join(folder, 'shuffled.csv'), shuffled);
    const expected = await readFile(join(data, expectedFile), 'utf8');
    expect(await reportOf(name, join(folder, 'shuffled.csv'))).toBe(expected);
  });
});
