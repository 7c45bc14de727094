import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { windowResultBytesMax } from '../limits.ts';
import { METRICS } from '../metrics.ts';
import { SERVER_STATES } from './server-states.ts';
import {
  decodeWindowResult,
  keyOfResult,
  resultKeyText,
  type WindowResult,
} from './window-result.ts';

const figures = {
  count: 30,
  sum: 300,
  min: 1,
  max: 20,
  avg: 10,
  last: 3,
  p50: 9,
  p95: 19,
  p99: 20,
};
const result: WindowResult = {
  v: 1,
  server_id: 'pc',
  origin_ms: 0,
  start_ms: 1_768_478_400_000,
  end_ms: 1_768_478_430_000,
  samples: 30,
  final: true,
  incomplete: false,
  warm_up: false,
  skewed: false,
  metrics: { cpu_pct: figures },
  closed_through_ms: 1_768_478_430_000,
  first_pane_ms: 1_768_478_400_000,
  state: 'up',
  clock_offset_ms: null,
  last_seen_ms: 1_768_478_435_000,
  slot: 3,
  owner: { id: 'one', run: 'abc', url: 'http://one:7861', server_no: 1 },
};

const text = JSON.stringify(result);

function withFigures(change: object) {
  return { ...result, metrics: { cpu_pct: { ...figures, ...change } } };
}

function decoded(value: unknown, key = 'pc') {
  return decodeWindowResult({
    key: Buffer.from(key),
    value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  });
}

function reason(value: unknown, key?: string): string {
  const read = decoded(value, key);
  return read.kind === 'malformed' ? read.reason : read.kind;
}

it('every number comes back as it went, to the last bit', () => {
  // JSON knows no −0, and nothing that counts on it.
  const number = fc
    .double({ min: -1e18, max: 1e18, noNaN: true })
    .map((value) => (value === 0 ? 0 : value));
  const quantile = fc.option(number);
  const made = fc
    .record({
      count: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      sum: fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .map((value) => (value === 0 ? 0 : value)),
      min: number,
      max: number,
      avg: number,
      last: number,
      p50: quantile,
      p95: quantile,
      p99: quantile,
    })
    .filter(({ min, max }) => min <= max);
  const metrics = fc.record(Object.fromEntries(METRICS.map((metric) => [metric, made])), {
    requiredKeys: [],
  });
  fc.assert(
    fc.property(metrics, fc.constantFrom(...SERVER_STATES), (metrics, state) => {
      const whole = { ...result, metrics, state };
      expect(decoded(whole)).toEqual({
        kind: 'window',
        key: { serverId: 'pc', replayId: '' },
        result: whole,
      });
    }),
  );
});

describe('the key', () => {
  it('is the server’s name, and of a replayed file’s server apart from it', () => {
    const replay = { ...result, source: 'f'.repeat(64), origin_ms: 1_768_478_400_000 };
    const texts = [result, replay].map((each) => resultKeyText(keyOfResult(each)));
    expect(texts).toEqual(['pc', `pc\t${'f'.repeat(64)}`]);
    expect(decoded(replay, texts[1])).toMatchObject({ kind: 'window', result: replay });
    expect(reason(replay)).toMatch(/key is not the server’s/);
    expect(reason(result, texts[1])).toMatch(/key is not the server’s/);
  });

  it('alone tells that nothing is kept of a source any longer', () => {
    const gone = (key: string) => decodeWindowResult({ key: Buffer.from(key), value: undefined });
    expect(gone('pc')).toEqual({ kind: 'gone', key: { serverId: 'pc', replayId: '' } });
    expect(gone('pc\tab')).toEqual({ kind: 'gone', key: { serverId: 'pc', replayId: 'ab' } });
    for (const key of ['', '\t', '\tab', 'pc\ta b', 'pc\ta\tb', 'x'.repeat(129), '\u202e']) {
      expect(gone(key).kind, JSON.stringify(key)).toBe('malformed');
    }
  });
});

it.each<[string, unknown, RegExp]>([
  ['no JSON', '', /expected object/],
  ['a list', [], /expected object/],
  ['another version', { ...result, v: 2 }, /^window result: v: /],
  ['no name', { ...result, server_id: '' }, /server_id: must not be empty/],
  ['no length', { ...result, start_ms: result.end_ms }, /length of at most/],
  [
    'a length of more than an hour',
    { ...result, start_ms: result.end_ms - 3_600_001 },
    /length of/,
  ],
  ['half a millisecond', { ...result, start_ms: 0.5 }, /start_ms: /],
  ['no samples', { ...result, samples: 0 }, /samples: /],
  [
    'final, and nothing closed',
    { ...result, closed_through_ms: null },
    /ends at closed_through_ms/,
  ],
  ['final, and not closed', { ...result, closed_through_ms: result.end_ms - 1 }, /ends at closed/],
  ['minimum above maximum', withFigures({ min: 21 }), /metrics.cpu_pct: min is above max/],
  ['an average beyond all counters', withFigures({ avg: 1e19 }), /metrics.cpu_pct.avg: /],
  ['a figure too few', withFigures({ count: undefined }), /metrics.cpu_pct.count: /],
  ['an infinite sum', text.replace('"sum":300', '"sum":1e400'), /metrics.cpu_pct.sum: /],
  ['an unknown state', { ...result, state: 'gone' }, /state: /],
  ['a time after 2099', { ...result, last_seen_ms: 5e12 }, /last_seen_ms: /],
  ['too long', { ...result, more: 'x'.repeat(windowResultBytesMax) }, /longer than 16384 bytes/],
])('%s is refused', (_, value, message) => {
  expect(reason(value)).toMatch(message);
});

it.each([
  'javascript:alert(1)',
  'data:text/html,x',
  'file:///etc/passwd',
  'http://user:secret@one',
  'http://one/?next=x',
  'http://one/#/x',
  'one:7861',
])('%j is no address of a page', (url) => {
  expect(reason({ ...result, owner: { ...result.owner, url } })).toMatch(
    /^window result: owner.url: /,
  );
});

it('a field that this version does not know is passed over', () => {
  const metrics = { ...result.metrics, new_pct: figures };
  expect(decoded({ ...result, new: 1, metrics })).toMatchObject({ kind: 'window', result });
});

it('nothing makes it throw', () => {
  const names = [...Object.keys(result), ...Object.keys(figures), ...METRICS];
  const hostile = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom(...names), fc.jsonValue()),
    fc.record(Object.fromEntries(Object.keys(result).map((name) => [name, fc.jsonValue()]))),
  );
  const bytes = fc.option(
    fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      hostile.map((value) => Buffer.from(JSON.stringify(value))),
    ),
    { nil: undefined },
  );
  fc.assert(
    fc.property(bytes, bytes, (key, value) => {
      expect(decodeWindowResult({ key, value }).kind).toBeTypeOf('string');
    }),
    { numRuns: 1_000 },
  );
});
