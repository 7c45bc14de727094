import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import type { Alert } from '../alerts/alert.ts';
import { Registry } from '../ingest/registry.ts';
import { AlertFeed } from './alert-feed.ts';
import type { AlertSummary } from './contract.ts';
import type { Hub } from './hub.ts';

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

function fixture() {
  const events: (readonly AlertSummary[])[] = [];
  const hub: Pick<Hub, 'alerts'> = { alerts: (changed) => void events.push(changed) };
  const registry = new Registry();
  registry.create({ serverId: 'pc-1', replayId: '', originMs: 0 });
  return { feed: new AlertFeed(hub, registry), events };
}

function alert(id: string, changes: Partial<Alert> = {}): Alert {
  return {
    id,
    rule: 'cpu',
    server: 'pc-1',
    severity: 'info',
    kind: 'pending',
    startsAtMs: 1,
    firedAtMs: null,
    endedAtMs: null,
    reason: 'x',
    processes: null,
    ...changes,
  };
}

it('tells the changes of a moment in one event, of each alert the newest', () => {
  const { feed, events } = fixture();
  feed.changed(alert('a'));
  feed.changed(alert('b', { server: '' }));
  vi.advanceTimersByTime(199);
  feed.changed(alert('a', { kind: 'firing', firedAtMs: 2 }));
  expect(events).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(events).toMatchObject([
    [
      { id: 'a', state: 'firing', server_no: 1, fired_at: 2 },
      { id: 'b', state: 'pending', server_no: null },
    ],
  ]);
  vi.advanceTimersByTime(1_000);
  expect(events).toHaveLength(1);
});

it('no event grows without bound, and none is lost for it', () => {
  const { feed, events } = fixture();
  for (let i = 0; i < 1_200; i += 1) feed.changed(alert(String(i)));
  vi.advanceTimersByTime(200);
  expect(events.map(({ length }) => length)).toEqual([500, 500, 200]);
});

it('nothing is told after the end', () => {
  const { feed, events } = fixture();
  feed.changed(alert('a'));
  feed.stop();
  vi.advanceTimersByTime(1_000);
  expect(events).toEqual([]);
});
