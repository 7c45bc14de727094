import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AlertView } from '../../api/contract.ts';
import { madeAlert } from '../testing/made-alert.ts';
import { ExplainedAlert } from './explained.ts';

const alert = madeAlert({ id: 'this' });
const view: AlertView = {
  now: 0,
  alert,
  rule: null,
  transitions: [],
  windows: [],
  deliveries: [],
};
const ask = vi.fn<(path: string) => Promise<Response>>();

beforeEach(() => {
  vi.useFakeTimers();
  ask.mockReset();
  ask.mockImplementation(async () => Response.json(view));
  vi.stubGlobal('fetch', ask);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function explainedNow(): Promise<ExplainedAlert> {
  const explained = new ExplainedAlert('this', () => {});
  explained.loader.load();
  await vi.advanceTimersByTimeAsync(0);
  return explained;
}

test('what the stream says of this alert is explained at once, of others nothing is asked', async () => {
  const explained = await explainedNow();
  expect(explained.view).toEqual(view);
  explained.update([madeAlert({ id: 'other' })]);
  expect(ask).toHaveBeenCalledTimes(1);
  explained.update([madeAlert({ id: 'other' }), alert]);
  expect(ask).toHaveBeenCalledTimes(2);
  expect(ask.mock.lastCall?.[0]).toBe('api/alerts/this');
  explained.loader.stop();
});

test.each([
  ['goes on', null, 13],
  ['is long over', 0, 2],
])('an alert that %s is asked for as often as there is news of it', async (_, endedAt, times) => {
  const then = { ...view, now: 3_600_000, alert: { ...alert, ended_at: endedAt } };
  ask.mockImplementation(async () => Response.json(then));
  const explained = await explainedNow();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ask).toHaveBeenCalledTimes(times);
  explained.loader.stop();
});

test('unknown is not the same as not to be reached', async () => {
  ask.mockResolvedValueOnce(Response.json({ error: 'no such alert' }, { status: 404 }));
  const unknown = await explainedNow();
  expect(unknown.isUnknown).toBe(true);
  expect(unknown.loader.problem).toBeNull();
  ask.mockRejectedValueOnce(new TypeError('fetch failed'));
  const cut = await explainedNow();
  expect(cut.isUnknown).toBe(false);
  expect(cut.loader.problem).toBe('The collector cannot be reached.');
});
