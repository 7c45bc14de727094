import { expect, test } from 'vitest';
import { METRICS } from '../../../wire/metrics.ts';
import type { ServerSummary } from '../../api/contract.ts';
import { compareNames, currentValue, headline, stateAt, valueOf } from './servers.ts';

const now = 1_000_000_000;
const summary = (over: Partial<ServerSummary>): ServerSummary => ({
  id: 1,
  server_id: 'a',
  state: 'up',
  skewed: false,
  clock_offset_ms: 0,
  conflict: false,
  lost: 0,
  catch_up: null,
  replayed: false,
  owner: null,
  last_seen_ms: now,
  ts: now,
  values: [10, 20, 30, 40, 50, 60],
  ...over,
});

test('values stand in the order of METRICS', () => {
  const values = METRICS.map((metric) => valueOf(summary({}), metric));
  expect(values).toEqual([10, 20, 30, 40, 50, 60]);
});

test('a server falls silent by itself after two minutes; goodbye stays goodbye', () => {
  expect(stateAt(summary({ last_seen_ms: now - 119_000 }), now, [])).toBe('up');
  expect(stateAt(summary({ last_seen_ms: now - 121_000 }), now, [])).toBe('silent');
  expect(stateAt(summary({ state: 'off' }), now, [])).toBe('off');
});

test('nobody is silent for time in which the collector could hear nobody', () => {
  const minuteMs = 60_000;
  const at = (seenMin: number, over: Partial<ServerSummary> = {}) =>
    summary({ last_seen_ms: now - seenMin * minuteMs, ...over });
  const deaf = (sinceMin: number, throughMin: number | null = null) => ({
    since_ms: now - sinceMin * minuteMs,
    through_ms: throughMin === null ? null : now - throughMin * minuteMs,
    why: null,
  });
  const lasting = [deaf(30)];
  expect(stateAt(at(31), now, lasting)).toBe('unknown');
  // As a collector tells it that goes by the clock.
  expect(stateAt(at(31, { state: 'silent' }), now, lasting)).toBe('unknown');
  expect(stateAt(at(33), now, lasting)).toBe('silent');
  expect(stateAt(at(31, { state: 'off' }), now, lasting)).toBe('off');
  expect(stateAt(at(1), now, lasting)).toBe('up');
  const over = [deaf(30, 1)];
  expect(stateAt(at(30.5), now, over)).toBe('unknown');
  expect(stateAt(at(31.5), now, over)).toBe('silent');
  // It was heard since.
  expect(stateAt(at(3), now, [deaf(30, 10)])).toBe('silent');
  expect(stateAt(at(0.1, { state: 'silent' }), now, [deaf(30, 10)])).toBe('silent');
  // What other collectors tell says nothing of those that send here.
  const others = [{ ...deaf(30), others: true as const }];
  const owner = { id: 1, url: 'http://two:7861' };
  expect(stateAt(at(31), now, others)).toBe('silent');
  expect(stateAt(at(31, { owner }), now, others)).toBe('unknown');
  expect(stateAt(at(31, { owner }), now, lasting)).toBe('unknown');
  const twice = [deaf(30, 16), deaf(15, 0.5)];
  expect(stateAt(at(30.4), now, twice)).toBe('unknown');
  expect(stateAt(at(30.6), now, twice)).toBe('silent');
});

test('the last value of a silent server is not shown as of now', () => {
  expect(currentValue(summary({}), 'cpu_pct', now)).toBe(10);
  expect(currentValue(summary({ last_seen_ms: 0 }), 'cpu_pct', now)).toBeNull();
});

test('the headline names the machine with the maximum and leaves out what is not of now', () => {
  const figures = headline(
    [
      summary({ id: 1, values: [10, 50, 1, 1, 1, 5] }),
      summary({ id: 2, server_id: 'b', values: [90, null, 2, null, 1, 99] }),
      summary({ id: 3, state: 'silent', values: [100, 100, 9, 9, 9, 100] }),
      summary({ id: 4, state: 'off' }),
      summary({ id: 5, replayed: true, values: [100, 100, 9, 9, 9, 100] }),
    ],
    now,
    [],
  );
  expect(figures).toMatchObject({ up: 2, silent: 1, off: 1, replayed: 1, netIn: 3, netOut: 1 });
  expect(figures.cpu).toMatchObject({ avg: 50, max: 90, at: { server_id: 'b' } });
  expect(figures.mem).toMatchObject({ avg: 50, max: 50, at: { server_id: 'a' } });
});

test('no server has no figure, not zero', () => {
  expect(headline([], now, [])).toMatchObject({
    up: 0,
    netIn: null,
    cpu: { avg: null, at: null },
  });
});

test('names sort as people count', () => {
  expect(['node-10', 'Node-2', 'node-1'].sort(compareNames)).toEqual([
    'node-1',
    'Node-2',
    'node-10',
  ]);
});
