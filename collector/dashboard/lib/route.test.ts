import fc from '../../../runtime/testing/property.ts';
import { expect, test } from 'vitest';
import { formatRoute, HOME, parseRoute, RANGES } from './route.ts';

test('a reload shows what was shown', () => {
  const route = fc.record({
    view: fc.oneof(
      fc.constant({ page: 'fleet' } as const),
      fc.record({ page: fc.constant('server' as const), id: fc.nat() }),
      fc.record({ page: fc.constant('alerts' as const), server: fc.option(fc.nat()) }),
      fc.record({ page: fc.constant('alert' as const), id: fc.stringMatching(/^[0-9a-f]{16}$/) }),
    ),
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
  const server = ['#/server/', '#/server/-1', '#/server/1e3'];
  const alert = ['#/alerts/a/b', '#/alerts/<b>', `#/alerts/${'a'.repeat(65)}`, '#/alertsx'];
  for (const hash of ['', '#', '#/nope', '#?range=7', ...server, ...alert]) {
    expect(parseRoute(hash)).toEqual(HOME);
  }
  expect(parseRoute('#/alerts?server=x').view).toEqual({ page: 'alerts', server: null });
  expect(parseRoute('#/?sort=<b>').sort).toBe('');
  expect(parseRoute('#/?find=%').find).toBe('%');
});
