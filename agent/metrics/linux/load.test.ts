import { expect, test } from 'vitest';
import { Machine, readOnce } from '../testing/machine.ts';
import { loadSource } from './load.ts';
import { uptimeSource } from './uptime.ts';

test('the three load averages in their order', () => {
  const machine = new Machine('server');
  expect(readOnce(loadSource(machine.file('loadavg')))).toEqual({
    unavailable: {},
    load1: 0.25,
    load5: 1.5,
    load15: 12.75,
  });
});

test('uptime in seconds', () => {
  const machine = new Machine('server');
  expect(readOnce(uptimeSource(machine.file('uptime'))).uptime_s).toBeCloseTo(350_735.47, 6);
});

test('a file cut short gives reasons and no zeros', () => {
  const machine = new Machine();
  machine.write('proc/loadavg', '0.5 \n');
  machine.write('proc/uptime', '\n');
  const load = readOnce(loadSource(machine.file('loadavg')));
  expect(load.load1).toBe(0.5);
  expect(Object.keys(load.unavailable)).toEqual(['load5', 'load15']);
  expect(readOnce(uptimeSource(machine.file('uptime')))).toEqual({
    unavailable: { uptime_s: 'not a number in /proc/uptime' },
  });
});
