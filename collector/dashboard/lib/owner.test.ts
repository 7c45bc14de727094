import { expect, it } from 'vitest';
import { pageOf } from './owner.ts';

const here = new URL('http://one:7861');

it.each([
  ['http://two:7861', 5, 'http://two:7861/#/server/7'],
  ['https://collectors.example/two/', 60, 'https://collectors.example/two/#/server/7?range=60'],
] as const)('%s leads to the server’s page there', (url, range, page) => {
  expect(pageOf({ url, id: 7 }, range, here)).toBe(page);
});

it.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '//two', 'two', ''])(
  '%j is no link',
  (url) => {
    expect(pageOf({ url, id: 7 }, 5, here)).toBeNull();
  },
);

it.each([
  ['http://localhost:7871', 'http://localhost:7861'],
  ['http://localhost:7871', 'http://127.0.0.1:7861'],
  ['https://localhost:7871', 'http://[::1]:7861'],
  ['http://one:7871', 'http://one:7861'],
  ['http://one:7861', 'http://localhost:7861'],
])('another collector of this machine is found: %s from %s', (url, opened) => {
  expect(pageOf({ url, id: 7 }, 5, new URL(opened))).toBe(`${url}/#/server/7`);
});

it.each([
  // Of the machine on which the page is read, which is not the owner's.
  ['http://localhost:7861', 'http://one:7861'],
  ['http://127.0.0.1:7871', 'https://192.0.2.7:7861'],
  ['http://[::1]:7871', 'http://one'],
  // The page's own collector, which is not the owner.
  ['http://localhost:7861', 'http://localhost:7861'],
  ['http://localhost:7861', 'http://127.0.0.1:7861'],
  ['https://monitor.example.org', 'https://monitor.example.org'],
])('no link leads to the wrong collector: %s from %s', (url, opened) => {
  expect(pageOf({ url, id: 7 }, 5, new URL(opened))).toBeNull();
});
