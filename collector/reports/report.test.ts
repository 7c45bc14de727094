import { describe, expect, it } from 'vitest';
import { METRICS } from '../../wire/metrics.ts';
import type { Aggregate } from '../windows/window.ts';
import { type ReportDefinition, reportSchema } from './definition.ts';
import { csvLines, jsonRows, type ReportWindow, reportRows } from './report.ts';

const definition: ReportDefinition = reportSchema.parse({
  columns: [
    { header: 'server', from: 'server_id' },
    { header: 'start', from: 'window_start', format: 'HH:MM:SS' },
    { header: 'end', from: 'window_end', format: 'HH:MM:SS' },
    { header: 'cpu', metric: 'cpu_pct', aggregate: 'avg', decimals: 2 },
    { header: 'mem', metric: 'mem_pct', aggregate: 'p95', decimals: 0 },
    { header: 'alert', from: 'label' },
  ],
  labels: [
    {
      label: 'both',
      when: [
        { column: 'cpu', at_least: 80.01 },
        { column: 'mem', at_least: 90 },
      ],
    },
    { label: 'cpu', when: [{ column: 'cpu', at_least: 80.01 }] },
    { label: 'none', when: [] },
  ],
  warm_up: 'leave_out',
});

function aggregate(avg: number, p95: number | null = null): Aggregate {
  return { count: 1, sum: avg, min: avg, max: avg, avg, last: avg, p50: p95, p95, p99: p95 };
}

function windowOf(
  serverId: string,
  values: { startMs?: number; cpu?: Aggregate; mem?: Aggregate; warmUp?: boolean },
): ReportWindow {
  const { startMs = 86_390_000, cpu = null, mem = null, warmUp = false } = values;
  const aggregates = METRICS.map(
    (metric) => ({ cpu_pct: cpu, mem_pct: mem })[metric as string] ?? null,
  );
  return { serverId, window: { startMs, endMs: startMs + 30_000, aggregates, warmUp } };
}

function csvOf(...windows: ReportWindow[]): string[] {
  return [...csvLines(definition, reportRows(definition, windows))];
}

describe('a report', () => {
  it('compares the rounded value, takes the first label that holds, and writes shortest numbers', () => {
    expect(
      csvOf(
        windowOf('a', { cpu: aggregate(80.005), mem: aggregate(0, 89.5) }),
        windowOf('b', { cpu: aggregate(80.005), mem: aggregate(0, 89.4) }),
        windowOf('c', { cpu: aggregate(80.004_99), mem: aggregate(0, 100) }),
      ),
    ).toEqual([
      'server,start,end,cpu,mem,alert\n',
      'a,23:59:50,00:00:20,80.01,90,both\n',
      'b,23:59:50,00:00:20,80.01,89,cpu\n',
      'c,23:59:50,00:00:20,80,100,none\n',
    ]);
  });

  it('leaves a value that is not there empty, and no condition holds for it', () => {
    const rows = reportRows(definition, [windowOf('a', { mem: aggregate(99) })]);
    expect(csvOf(windowOf('a', { mem: aggregate(99) }))[1]).toBe('a,23:59:50,00:00:20,,,none\n');
    expect([...jsonRows(definition, rows)]).toEqual([
      { server: 'a', start: '23:59:50', end: '00:00:20', cpu: null, mem: null, alert: 'none' },
    ]);
  });

  it('has an empty label when none holds', () => {
    const bare = { ...definition, labels: definition.labels.slice(0, 1) };
    expect(reportRows(bare, [windowOf('a', {})])[0]?.at(-1)).toBe('');
  });

  it('orders servers as text and each one by time', () => {
    const windows = ['b', 'server_2', 'server_10', 'Z'].flatMap((name) => [
      windowOf(name, { startMs: 100_000 }),
      windowOf(name, { startMs: 20_000 }),
    ]);
    expect(reportRows(definition, windows).map((row) => `${row[0]} ${row[1]}`)).toEqual([
      'Z 00:00:20',
      'Z 00:01:40',
      'b 00:00:20',
      'b 00:01:40',
      'server_10 00:00:20',
      'server_10 00:01:40',
      'server_2 00:00:20',
      'server_2 00:01:40',
    ]);
  });

  it('leaves warm-up windows out, or keeps them', () => {
    const windows = [windowOf('a', { warmUp: true })];
    expect(reportRows(definition, windows)).toEqual([]);
    expect(reportRows({ ...definition, warm_up: 'keep' }, windows)).toHaveLength(1);
  });

  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
    ['a,"b"', '"a,""b"""'],
    ['a-b=c', 'a-b=c'],
  ])('writes the name %s so that no spreadsheet runs it', (name, written) => {
    expect(csvOf(windowOf(name, {}))[1]).toBe(`${written},23:59:50,00:00:20,,,none\n`);
  });

  it('writes negative numbers as numbers', () => {
    expect(csvOf(windowOf('a', { cpu: aggregate(-1.005) }))[1]).toBe(
      'a,23:59:50,00:00:20,-1.01,,none\n',
    );
  });
});
