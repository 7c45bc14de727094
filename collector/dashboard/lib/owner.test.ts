import { expect, it } from 'vitest';
import { pageOf } from './owner.ts';

it.each([
  ['http://two:7861', 5, 'http://two:7861/#/server/7'],
  ['https://collectors.example/two/', 60, 'https://collectors.example/two/#/server/7?range=60'],
] as const)('%s leads to the server’s page there', (url, range, page) => {
  expect(pageOf({ url, id: 7 }, range)).toBe(page);
});

it.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '//two', 'two', ''])(
  '%j is no link',
  (url) => {
    expect(pageOf({ url, id: 7 }, 5)).toBeNull();
  },
);
