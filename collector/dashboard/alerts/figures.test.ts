import { expect, test } from 'vitest';
import { figuresOf, figureText, limitText, unitOf } from './figures.ts';

test('a figure has the unit of its metric, unless it counts', () => {
  expect(unitOf('cpu_pct.p95')).toBe('%');
  expect(unitOf('cpu_pct.sum')).toBe('number');
  expect(unitOf('net_in.sum')).toBe('B/s');
  for (const figure of ['cpu_pct.count', 'net_in.servers', 'samples', 'toString.avg']) {
    expect(unitOf(figure)).toBe('number');
  }
});

test('a figure that a window does not have is a dash, never a zero', () => {
  expect(figureText('cpu_pct.avg', undefined)).toBe('–');
  expect(figureText('cpu_pct.avg', 97.34)).toBe('97.3%');
  expect(figureText('net_in.max', 12_345_678)).toBe('12.3 MB/s');
  expect(figureText('samples', 30)).toBe('30');
});

test('a limit reads as it was written', () => {
  expect(limitText('cpu_pct.avg', 90)).toBe('90%');
  expect(limitText('net_in.avg', 2_500_000)).toBe('2.5 MB/s');
  expect(limitText('samples', 10)).toBe('10');
});

test('figures keep their order, also when the first windows lack one', () => {
  const windows = [{ 'mem_pct.avg': 1 }, { 'cpu_pct.avg': 1, 'mem_pct.avg': 1 }].map((values) => ({
    start: 0,
    end: 1,
    values,
    verdict: 'breach' as const,
  }));
  expect(figuresOf(windows)).toEqual(['mem_pct.avg', 'cpu_pct.avg']);
});
