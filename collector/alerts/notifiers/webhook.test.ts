import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { WindrowError } from '../../../runtime/errors.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { madeNotice } from '../testing/notices.ts';
import { startReceiver } from '../testing/receiver.ts';
import { notifiersSchema, type WebhookSettings } from './settings.ts';
import { Webhook } from './webhook.ts';

const notification = { key: 'k-1', notices: [madeNotice()] };
const never = new AbortController().signal;

function webhook(settings: Readonly<Record<string, unknown>>): Webhook {
  const parsed = notifiersSchema.parse({ ops: { type: 'webhook', ...settings } });
  return new Webhook(parsed['ops'] as WebhookSettings, {
    receiver: 'ops',
    pageUrl: 'http://master:7861',
  });
}

function file(text: string): string {
  const path = join(temporaryFolder(), 'secret');
  writeFileSync(path, text);
  return path;
}

async function refused(sending: Promise<string>): Promise<WindrowError> {
  return sending.then(
    () => expect.unreachable('it was taken'),
    (error: unknown) => error as WindrowError,
  );
}

it('posts the message with its key, and says what was answered', async () => {
  const receiver = await startReceiver();
  const answer = await webhook({ url: `${receiver.url}/hook?room=1` }).send(notification, never);
  expect(answer).toBe('200 OK');
  const [request] = receiver.received;
  expect(request).toMatchObject({ method: 'POST', path: '/hook?room=1' });
  expect(request?.headers).toMatchObject({
    'content-type': 'application/json',
    'idempotency-key': 'k-1',
  });
  expect(request?.headers.authorization).toBeUndefined();
  expect(JSON.parse(request?.body ?? '')).toMatchObject({ version: '4', receiver: 'ops' });
});

it('address and token come from files that are read for each notification, so they can be replaced', async () => {
  const receiver = await startReceiver();
  const tokenFile = file('first\n');
  const notifier = webhook({ url_file: file(`${receiver.url}/secret\n`), token_file: tokenFile });
  await notifier.send(notification, never);
  writeFileSync(tokenFile, 'second');
  await notifier.send(notification, never);
  expect(receiver.received.map(({ path, headers }) => [path, headers.authorization])).toEqual([
    ['/secret', 'Bearer first'],
    ['/secret', 'Bearer second'],
  ]);
});

it.each([
  ['token_file', 'two words'],
  ['token_file', ''],
  ['url_file', 'ftp://somewhere'],
  ['url_file', 'http://user:password@somewhere'],
])('a %s that holds "%s" is an error that names the key, not the secret', async (key, text) => {
  const address = key === 'token_file' ? { url: 'http://127.0.0.1:1' } : {};
  const error = await refused(webhook({ ...address, [key]: file(text) }).send(notification, never));
  expect(error).toMatchObject({ code: 'config', retryable: true });
  expect(error.message).toMatch(new RegExp(`^${key}: `));
  if (text !== '') expect(error.message).not.toContain(text);
});

it.each([
  [400, 'refused', false],
  [401, 'unauthorized', true],
  [403, 'unauthorized', true],
  [404, 'refused', false],
  [408, 'refused', true],
  [410, 'refused', false],
  [422, 'refused', false],
  [429, 'overloaded', true],
  [500, 'refused', true],
  [503, 'refused', true],
])('answer %i is %s, and to be repeated for ever: %s', async (status, code, retryable) => {
  const receiver = await startReceiver();
  receiver.answer((response) => response.writeHead(status).end('no\n such  thing'));
  const error = await refused(webhook({ url: receiver.url }).send(notification, never));
  expect(error).toMatchObject({ code, retryable });
  expect(error.message).toBe(`the receiver answered ${status}: no such thing`);
});

it.each([
  ['7', 7_000, 7_000],
  ['86400', 3_600_000, 3_600_000],
  [new Date(Date.now() + 600_000).toUTCString(), 300_000, 600_000],
])('waits as long as Retry-After asks: %s', async (header, least, most) => {
  const receiver = await startReceiver();
  receiver.answer((response) => response.writeHead(503, { 'retry-after': header }).end());
  const error = await refused(webhook({ url: receiver.url }).send(notification, never));
  expect(error.retryAfterMs).toBeGreaterThanOrEqual(least);
  expect(error.retryAfterMs).toBeLessThanOrEqual(most);
});

it('a redirect is not followed: the token would go along', async () => {
  const [elsewhere, receiver] = [await startReceiver(), await startReceiver()];
  receiver.answer((response) => response.writeHead(307, { location: elsewhere.url }).end());
  const hook = webhook({ url: receiver.url, token_file: file('token') });
  const error = await refused(hook.send(notification, never));
  expect(error.message).toBe('the receiver answered 307');
  expect(elsewhere.received).toEqual([]);
});

it('a receiver that does not answer, one that is not there, and a stop are told apart', async () => {
  const receiver = await startReceiver();
  receiver.answer(() => {});
  const slow = await refused(
    webhook({ url: receiver.url, timeout: '1s' }).send(notification, never),
  );
  expect(slow).toMatchObject({ code: 'unreachable', retryable: true });
  expect(slow.message).toBe('no answer in 1000 ms');

  const gone = await refused(
    webhook({ url: 'http://127.0.0.1:1/secret' }).send(notification, never),
  );
  expect(gone).toMatchObject({ code: 'unreachable', retryable: true });
  expect(gone.message).toContain('cannot reach the receiver');
  expect(gone.message).not.toContain('secret');

  const stopping = new AbortController();
  const sending = refused(
    webhook({ url: receiver.url, timeout: '60s' }).send(notification, stopping.signal),
  );
  stopping.abort();
  expect(await sending).toMatchObject({ code: 'aborted' });
});

it('an answer without end is not read to its end', async () => {
  const receiver = await startReceiver();
  receiver.answer((response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
    };
    response.on('drain', more);
    more();
  });
  expect(await webhook({ url: receiver.url, timeout: '10s' }).send(notification, never)).toBe(
    '200 OK',
  );
});
