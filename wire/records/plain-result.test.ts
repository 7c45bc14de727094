import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { timestampMsMax, windowMsMax } from '../limits.ts';
import { METRICS } from '../metrics.ts';
import { isPlainResult } from './plain-result.ts';
import { windowResultSchema } from './window-result.ts';

const figures = { count: 3, sum: 6, min: 1, max: 3, avg: 2, last: 3, p50: 2, p95: null, p99: 3 };
const owner = { id: 'one', run: 'abc', url: 'http://one:7861', server_no: 1 };
const result = {
  v: 1,
  server_id: 'pc',
  origin_ms: 0,
  start_ms: 10_000,
  end_ms: 40_000,
  samples: 3,
  final: true,
  incomplete: false,
  warm_up: false,
  skewed: false,
  metrics: { cpu_pct: figures, mem_pct: figures },
  closed_through_ms: 40_000,
  first_pane_ms: 10_000,
  state: 'up',
  clock_offset_ms: null,
  last_seen_ms: 41_000,
  slot: 3,
  owner,
};

it('results as collectors write them are taken without the schema', () => {
  expect(isPlainResult(result)).toBe(true);
  expect(
    isPlainResult({
      ...result,
      source: 'f'.repeat(64),
      lacks_before_ms: 5,
      slot: null,
      metrics: {},
    }),
  ).toBe(true);
});

const anything = fc.constantFrom<unknown>(
  0,
  -0,
  -1,
  1,
  0.5,
  2,
  1e18,
  1.1e18,
  -1e18,
  1e308,
  40_000,
  -windowMsMax,
  -windowMsMax - 1,
  timestampMsMax,
  timestampMsMax + 1,
  Number.MAX_SAFE_INTEGER,
  100_000,
  100_001,
  10_000,
  null,
  true,
  false,
  'up',
  'off',
  'gone',
  '',
  ' ',
  'a b',
  'a\nb',
  '\u{202e}x',
  'x'.repeat(300),
  'http://two',
  'https://u:p@two',
  'javascript:1',
  'http://two?q',
  [],
  {},
  figures,
  owner,
);
const FIELDS = [...Object.keys(result), 'source', 'lacks_before_ms', 'new', '__proto__'];
const places = fc.oneof(
  fc.constantFrom(...FIELDS).map((field) => [field]),
  fc.constantFrom(...METRICS, 'new').map((metric) => ['metrics', metric]),
  fc.constantFrom(...Object.keys(figures), 'new').map((name) => ['metrics', 'cpu_pct', name]),
  fc.constantFrom(...Object.keys(owner), 'new').map((name) => ['owner', name]),
);

/** With another value at that place, or without it where there is none. */
function changed(at: unknown, [field = '', ...rest]: readonly string[], value: unknown): unknown {
  if (typeof at !== 'object' || at === null) return at;
  const fields = Object.entries(at).filter(([name]) => name !== field);
  const inner = (at as Readonly<Record<string, unknown>>)[field];
  const next = rest.length === 0 ? value : changed(inner, rest, value);
  return Object.fromEntries(next === undefined ? fields : [...fields, [field, next]]);
}

it('what is taken so, the schema takes too and leaves as it is', () => {
  let taken = 0;
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(places, fc.option(anything, { nil: undefined })), { maxLength: 2 }),
      (changes) => {
        const made = changes.reduce<unknown>((at, [place, to]) => changed(at, place, to), result);
        const value = JSON.parse(JSON.stringify(made)) as unknown;
        const parsed = windowResultSchema.safeParse(value);
        if (!parsed.success) refused += 1;
        if (!isPlainResult(value)) return;
        taken += 1;
        expect(parsed).toEqual({ success: true, data: value });
      },
    ),
    { numRuns: 5_000 },
  );
  expect(taken).toBeGreaterThan(500);
  expect(refused).toBeGreaterThan(500);
});
