/** What the runs on several collectors look at says so when it is wrong. */
import { expect, it } from 'vitest';
import type { Notified, ReceivedAlert } from '../chaos/receiver.ts';
import { identityViolations } from './support/fleet-outcome.ts';

const begin: ReceivedAlert = {
  alert: 'f00d 2026-11-21T00:00:00Z',
  status: 'firing',
  rule: 'busy',
  server: 'pc-1',
  startsAtMs: Date.UTC(2026, 10, 21),
};
const end: ReceivedAlert = { ...begin, status: 'resolved' };

function told(key: string, ...alerts: readonly ReceivedAlert[]): Notified {
  return { key, alerts, confirmed: true };
}

it('a repeat with the same ids is none to whoever gets it', () => {
  const elsewhere = { ...begin, server: 'pc-2', alert: 'beef 2026-11-21T00:00:00Z' };
  const both = [told('k', begin, elsewhere), told('k', elsewhere, begin)];
  expect(identityViolations([...both, told('only', begin), told('end', end)])).toEqual([]);
});

it('a repeat with another key, fingerprint or content is one that nobody can know', () => {
  expect(identityViolations([told('k', begin), told('other', begin)])).toEqual([
    expect.stringMatching(/^told with key other and with k: busy pc-1 /),
  ]);
  const other = { ...begin, alert: 'beef 2026-11-21T00:00:00Z' };
  expect(identityViolations([told('k', begin), told('k', other)])).toEqual([
    expect.stringMatching(/^told as beef .+ and as f00d /),
  ]);
  expect(identityViolations([told('k', begin), told('k', end)])).toEqual([
    expect.stringMatching(/^key k is of busy pc-1 \d+ resolved and of .+ firing$/),
  ]);
});
