import { constants, PerformanceObserver } from 'node:perf_hooks';
import { runInNewContext, Script } from 'node:vm';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Garbage } from './garbage.ts';

interface Detail {
  readonly kind: number;
  readonly flags: number;
}

/** Of a collection; Node's types do not have it. */
function detailOf(entry: object): Detail {
  return (entry as { readonly detail: Detail }).detail;
}

/** Collections of a kind that somebody asked for. */
function collections(wanted: number): () => number {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { kind, flags } of list.getEntries().map(detailOf)) {
      const isForced = (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0;
      if (kind === wanted && isForced) count += 1;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  onTestFinished(() => observer.disconnect());
  return () => count;
}

it.each([
  ['young', constants.NODE_PERFORMANCE_GC_MINOR],
  ['all', constants.NODE_PERFORMANCE_GC_MAJOR],
] as const)('collects %s each time that so much came', async (of, kind) => {
  const seen = collections(kind);
  const garbage = new Garbage(1_000, of);
  for (let i = 0; i < 99; i += 1) garbage.came(100);
  await vi.waitFor(() => expect(seen()).toBe(9));
  garbage.came(100);
  await vi.waitFor(() => expect(seen()).toBe(10));
});

it('leaves V8’s flags as they were: compiled code is taken, and nobody else gets `gc`', () => {
  const code = '(function () { return 1; })';
  const cachedData = new Script(code).createCachedData();
  const isTaken = (filename: string): boolean =>
    new Script(code, { filename, cachedData }).cachedDataRejected === false;
  expect(isTaken('before')).toBe(true);
  new Garbage(1).came(1);
  expect(isTaken('after')).toBe(true);
  expect(runInNewContext('typeof gc')).toBe('undefined');
});
