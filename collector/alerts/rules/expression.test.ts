import { describe, expect, it } from 'vitest';
import { WindrowError } from '../../../runtime/errors.ts';
import { METRICS } from '../../../wire/metrics.ts';
import { mergeFleet } from '../../windows/testing/fleet.ts';
import type { Aggregate } from '../../windows/window.ts';
import {
  Expression,
  type Figures,
  fleetFigures,
  serverFigures,
  type Subject,
} from './expression.ts';

function aggregate(avg: number, changes: Partial<Aggregate> = {}): Aggregate {
  const same = { min: avg, max: avg, avg, last: avg, p50: avg, p95: avg, p99: avg };
  return { count: 30, sum: avg * 30, ...same, ...changes };
}

function aggregates(values: Readonly<Record<string, Aggregate>>): (Aggregate | null)[] {
  return METRICS.map((metric) => values[metric] ?? null);
}

const figures: Figures = serverFigures(
  {
    samples: 30,
    aggregates: aggregates({ cpu_pct: aggregate(97.5, { p50: null }), mem_pct: aggregate(40) }),
  },
  'lab-7',
);

function holds(text: string): boolean | undefined {
  return new Expression(text, 'server').holds(figures);
}

describe('over a window with cpu 97.5, mem 40 and nothing else', () => {
  it.each([
    ['cpu_pct.avg > 90', true],
    ['cpu_pct.avg > 97.5', false],
    ['cpu_pct.avg >= 97.5 && mem_pct.max < 50', true],
    ['cpu_pct.avg * 2.0 > 190.0', true],
    ['samples >= 30 && server.startsWith("lab-")', true],
    ['cpu_pct.avg > (server in ["lab-7", "lab-8"] ? 99.0 : 90.0)', false],
    ['double(samples) > cpu_pct.avg', false],
    // Nothing is known of the disk, and the median is unknown.
    ['disk_used_pct.last > 90', undefined],
    ['cpu_pct.p50 > 90', undefined],
    ['cpu_pct.avg < 90 || disk_used_pct.last > 90', undefined],
    // What is unknown does not decide.
    ['cpu_pct.avg > 90 || disk_used_pct.last > 90', true],
    ['cpu_pct.avg < 90 && disk_used_pct.last > 90', false],
  ])('%s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });
});

it('gives the values that it used, as far as they are known', () => {
  const text = 'cpu_pct.avg > 90 && disk_used_pct.last > 1 && samples > 3 && server != "x"';
  const expression = new Expression(text, 'server');
  expect(expression.figures).toEqual(['cpu_pct.avg', 'disk_used_pct.last', 'samples']);
  expect(expression.values(figures)).toEqual({ 'cpu_pct.avg': 97.5, samples: 30 });
});

it('a fleet has its own figures', () => {
  const windows = [10, 20, 90].map((cpu) => ({
    startMs: 0,
    endMs: 30_000,
    samples: 30,
    aggregates: aggregates({ cpu_pct: aggregate(cpu) }),
  }));
  const fleet = mergeFleet(windows);
  if (fleet === null) throw new Error('there is a fleet');
  const of = (text: string) => new Expression(text, 'fleet').holds(fleetFigures(fleet));
  expect(of('cpu_pct.peak == 90.0 && servers == 3 && samples == 90')).toBe(true);
  expect(of('cpu_pct.avg < 39')).toBe(false);
  expect(() => new Expression('cpu_pct.last > 1', 'fleet')).toThrow(/No such key: last/);
  expect(() => new Expression('servers > 1', 'server')).toThrow(/Unknown variable: servers/);
});

const WRONG: readonly (readonly [string, RegExp, RegExp | undefined])[] = [
  ['', /Unexpected token/, undefined],
  ['cpu_pct.avg >', /at column \d+: Unexpected token/, undefined],
  ['cpu.avg > 1', /at column 1: Unknown variable: cpu/, /There are cpu_pct, .*\.p99; and samples/],
  ['cpu_pct.mean > 1', /at column 9: No such key: mean/, /\.avg/],
  ['cpu_pct.avg', /gives double, not true or false/, undefined],
  ['cpu_pct > 90', /no such overload/, undefined],
  ['cpu_pct.avg + 1 > 90.0', /no such overload: double \+ int/, /write 2\.0 for 2/],
  ['1 > 2', /uses no figure/, undefined],
  ['server == "a"', /uses no figure/, undefined],
  ['server.matches("(a+)+$") && samples > 1', /matches\(\) is not for conditions/, /startsWith/],
  ['dyn(cpu_pct).avg > 90', /dyn\(\) is not for conditions/, /double/],
  ['[1.0].exists(x, cpu_pct.avg > x)', /exists\(\) is not for conditions/, undefined],
  ['cpu_pct["avg"] > 90.0', /\[\] is not for conditions/, undefined],
  [`cpu_pct.avg > 90${' '.repeat(1_000)}`, /at most 1000 characters/, undefined],
  [`${'('.repeat(200)}samples > 1${')'.repeat(200)}`, /depth/i, undefined],
];

describe('a condition that cannot be one is refused', () => {
  it.each(WRONG)('%s', (text, message, hint) => {
    const subject: Subject = 'server';
    let failure: unknown;
    try {
      failure = new Expression(text, subject);
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(WindrowError);
    const { code, message: told, hint: advice } = failure as WindrowError;
    expect(code).toBe('config');
    expect(told).toMatch(message);
    expect(told).not.toContain('\n');
    if (hint !== undefined) expect(advice).toMatch(hint);
  });
});
