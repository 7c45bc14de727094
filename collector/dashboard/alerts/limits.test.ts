import { expect, test } from 'vitest';
import { isBeyond, limitsOf, soleLimit } from './limits.ts';

test('a comparison with a number is a limit, wherever it stands in a condition', () => {
  expect(soleLimit(' cpu_pct.avg>90 ')).toEqual({
    figure: 'cpu_pct.avg',
    operator: '>',
    value: 90,
  });
  const condition = '(cpu_pct.p95 >= 99.5 || mem_pct.avg > 92.0) && samples <= 10';
  expect(limitsOf(condition).map(({ figure, value }) => [figure, value])).toEqual([
    ['cpu_pct.p95', 99.5],
    ['mem_pct.avg', 92],
    ['samples', 10],
  ]);
  expect(soleLimit(condition)).toBeNull();
});

test('what is more than a comparison draws no line at a wrong place', () => {
  const conditions = [
    '2.0 * cpu_pct.avg > 90',
    'cpu_pct.avg > 90 + mem_pct.avg',
    'cpu_pct.avg - 5.0 > 90',
    'cpu_pct.avg > mem_pct.avg',
    '90 < cpu_pct.avg',
    'server.startsWith("a > 1")',
    '',
  ];
  for (const condition of conditions) {
    expect(limitsOf(condition), condition).toEqual([]);
    expect(soleLimit(condition), condition).toBeNull();
  }
  expect(limitsOf(null)).toEqual([]);
});

test('a value at the limit is beyond it only where the rule says so', () => {
  const at = (operator: '>' | '>=' | '<' | '<=', value: number): boolean =>
    isBeyond({ figure: 'a', operator, value: 90 }, value);
  expect([at('>', 90), at('>=', 90), at('<', 90), at('<=', 90)]).toEqual([
    false,
    true,
    false,
    true,
  ]);
  expect([at('>', 91), at('>=', 89), at('<', 89), at('<=', 91)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});
