import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatRoute, HOME, parseRoute, RANGES } from './route.ts';

test('a reload shows what was shown', () => {
  const route = fc.record({
    server: fc.option(fc.nat()),
    range: fc.constantFrom(...RANGES),
    sort: fc.constantFrom('', 'cpu', '-cpu', '-mem_max'),
    find: fc.string({ maxLength: 40 }),
  });
  fc.assert(
    fc.property(route, (each) => {
      expect(parseRoute(formatRoute(each))).toEqual(each);
    }),
  );
});

test('nonsense in the address shows the fleet instead of an empty page', () => {
  for (const hash of ['', '#', '#/nope', '#/server/', '#/server/-1', '#/server/1e3', '#?range=7']) {
    expect(parseRoute(hash)).toEqual(HOME);
  }
  expect(parseRoute('#/?sort=<b>').sort).toBe('');
  expect(parseRoute('#/?find=%').find).toBe('%');
});
