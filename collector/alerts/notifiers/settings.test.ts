import { expect, it } from 'vitest';
import { notifiersSchema } from './settings.ts';

it('each type has its defaults', () => {
  const url = 'https://example.org/hook';
  const command = ['/usr/local/bin/notify', '--loud'];
  expect(
    notifiersSchema.parse({
      ops: { type: 'webhook', url },
      am: { type: 'alertmanager', url: 'http://127.0.0.1:9093', token_file: 'am.token' },
      own: { type: 'command', command, timeout: '1m' },
    }),
  ).toEqual({
    ops: { type: 'webhook', url, timeout: 10_000 },
    am: {
      type: 'alertmanager',
      url: 'http://127.0.0.1:9093/',
      token_file: 'am.token',
      timeout: 10_000,
    },
    own: { type: 'command', command, timeout: 60_000 },
  });
});

it.each([
  ['an address and a file of one', { type: 'webhook', url: 'http://a', url_file: 'f' }, 'not both'],
  ['no address', { type: 'webhook' }, 'not both'],
  [
    'a password in the address',
    { type: 'webhook', url: 'http://u:p@a' },
    'must not hold a password',
  ],
  ['another scheme', { type: 'webhook', url: 'file:///etc/passwd' }, 'must be an http or https'],
  ['an unknown type', { type: 'mail' }, 'must be webhook, alertmanager or command'],
  ['an unknown key', { type: 'webhook', url: 'http://a', colour: 'red' }, 'Unrecognized key'],
  ['a shell line as command', { type: 'command', command: 'notify --loud' }, 'expected array'],
  ['no command', { type: 'command', command: [] }, 'Too small'],
  ['a time-out without end', { type: 'webhook', url: 'http://a', timeout: '2h' }, 'from 1s to 60s'],
])('%s is refused', (_, notifier, message) => {
  const { error } = notifiersSchema.safeParse({ ops: notifier });
  expect(error?.issues[0]?.path[0]).toBe('ops');
  expect(error?.issues[0]?.message).toContain(message);
});

it('names are plain words, and not too many', () => {
  const command = { type: 'command', command: ['true'] };
  expect(notifiersSchema.safeParse({ 'On Call': command }).success).toBe(false);
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`n-${i}`, command]));
  expect(notifiersSchema.safeParse(many).success).toBe(false);
});
