import { expect, it } from 'vitest';
import { loadConfig } from '../runtime/config/load.ts';
import { ownerUrlCharsMax } from '../wire/limits.ts';
import { COLLECTOR_SPEC, type CollectorConfig } from './config.ts';
import { hostsOf, linksFinding, pageUrlOf } from './page-url.ts';

function configOf(flags: Readonly<Record<string, unknown>>): CollectorConfig {
  const sources = { program: 'collector', env: {}, cwd: '/nowhere', configFlag: undefined };
  return loadConfig(COLLECTOR_SPEC, { ...sources, flags }).values;
}

const tls = { 'tls.cert_file': 'cert.pem', 'tls.key_file': 'key.pem' };

it.each([
  ['the default is what a person opens on this machine', {}, 'http://localhost:7861'],
  ['one address', { listen: '192.0.2.7' }, 'http://192.0.2.7:7861'],
  ['IPv6', { listen: '2001:db8::7' }, 'http://[2001:db8::7]:7861'],
  ['a name it listens on', { listen: 'box.lan' }, 'http://box.lan:7861'],
  [
    'a setting counts more than all else',
    { url: 'https://monitor.example.org', listen: '192.0.2.7', hosts: ['a.example'], ...tls },
    'https://monitor.example.org',
  ],
  [
    'a certificate is of a name',
    { listen: '192.0.2.7', hosts: ['monitor.example.org', 'b.example'], ...tls },
    'https://monitor.example.org:7861',
  ],
  [
    'what is no name of a host, or of this machine alone, is passed over',
    {
      listen: '192.0.2.7',
      hosts: ['192.0.2.8', '[::1]', 'LocalHost', '*.example', 'a/b', 'a:1', '1.2', 'pc-7'],
      ...tls,
    },
    'https://pc-7:7861',
  ],
  ['TLS without names', { listen: '192.0.2.7', ...tls }, 'https://192.0.2.7:7861'],
  [
    'a name may be another machine’s: who listens on loopback is not found there',
    { hosts: ['monitor.example.org'], ...tls },
    'https://localhost:7861',
  ],
  [
    'without TLS further names are only allowed',
    { listen: '192.0.2.7', hosts: ['monitor.example.org'] },
    'http://192.0.2.7:7861',
  ],
])('%s', (_, flags, url) => {
  expect(pageUrlOf(configOf(flags), 7861)).toBe(url);
});

it.each([
  ['https://Monitor.example.org:443/', 'https://monitor.example.org'],
  ['http://192.168.1.10:7861', 'http://192.168.1.10:7861'],
])('an address is taken as browsers write it: %s', (url, taken) => {
  expect(configOf({ url }).url).toBe(taken);
});

it.each([
  'monitor.example.org',
  'monitor.example.org:7861',
  'ftp://monitor.example.org',
  'javascript:alert(1)',
  'https://monitor.example.org/windrow',
  'https://monitor.example.org/?a=b',
  'https://monitor.example.org/#a',
  'https://user@monitor.example.org',
  `http://${'a'.repeat(ownerUrlCharsMax)}`,
  '',
])('an address that links cannot use (%s) is refused with the name of its flag', (url) => {
  expect(() => configOf({ url })).toThrow(/^--url must be an address such as https:/);
});

it('no password of a refused address is told', () => {
  const url = 'https://admin:secret@monitor.example.org';
  expect(() => configOf({ url })).not.toThrow(/secret/);
});

it('who follows a link is let in: the name in it is served', () => {
  expect(hostsOf(configOf({ hosts: ['a'], url: 'https://b.example:8443' }))).toEqual([
    'a',
    'b.example',
  ]);
  expect(hostsOf(configOf({ listen: 'box.lan' }))).toEqual(['box.lan']);
});

it.each(['1.2.3.4.5', '::::'])('what is no host (%s) is left to listening to tell', (listen) => {
  expect(hostsOf(configOf({ listen, hosts: ['a'] }))).toEqual(['a', '']);
});

const kafka = { transport: 'kafka', brokers: 'a:1' };

it.each([
  [{}, 'http://localhost:7861'],
  [{ listen: '127.0.0.2' }, 'http://127.0.0.2:7861'],
  [{ listen: '::1' }, 'http://localhost:7861'],
  [{ listen: '192.0.2.7', url: 'http://[::1]:7861' }, 'http://[::1]:7861'],
  [{ listen: '192.0.2.7', url: 'http://127.1:7861' }, 'http://127.0.0.1:7861'],
])('an address of this machine alone is told where collectors meet: %j', (flags, url) => {
  expect(linksFinding(configOf({ ...flags, ...kafka }), 7861)).toEqual({
    status: 'warn',
    message: expect.stringContaining(`${url} is reached from this machine alone: `) as string,
    advice: expect.stringMatching(/--listen.*--url/) as string,
  });
});

it('of an address for others it says where links lead', () => {
  const far = configOf({ url: 'https://monitor.example.org', ...kafka });
  expect(linksFinding(far, 7861)).toEqual({
    status: 'ok',
    message: "other collectors' pages and notifications link to https://monitor.example.org",
  });
  const everywhere = configOf({ listen: '192.0.2.7', ...kafka });
  expect(linksFinding(everywhere, 80)).toMatchObject({
    status: 'ok',
    message: expect.stringContaining('http://192.0.2.7:80') as string,
  });
});

it('a collector that is alone has no links of others to tell of', () => {
  expect(linksFinding(configOf({}), 7861)).toBeUndefined();
});
