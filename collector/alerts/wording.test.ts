import { expect, it } from 'vitest';
import { durationText, reasonText } from './wording.ts';

it.each([
  [0, '0s'],
  [499, '0s'],
  [10_000, '10s'],
  [120_000, '2m'],
  [5_400_000, '1h 30m'],
  [90_061_000, '1d 1h'],
  [86_400_000, '1d'],
])('%i ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

it('says values in the units of their metrics', () => {
  const values = {
    'cpu_pct.avg': 97.349,
    'net_in.max': 12_345_678,
    'net_out.avg': 0,
    'disk_io.min': 999.94,
    'disk_io.count': 30,
    samples: 30,
  };
  expect(reasonText(values, 0)).toBe(
    'cpu_pct.avg 97.3, net_in.max 12.3 MB/s, net_out.avg 0 B/s, disk_io.min 999.9 B/s, disk_io.count 30, samples 30',
  );
  expect(reasonText({ 'mem_pct.avg': 95 }, 300_000)).toBe('mem_pct.avg 95 for 5m');
});
