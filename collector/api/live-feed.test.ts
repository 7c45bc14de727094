import { expect, it, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { METRICS } from '../../wire/metrics.ts';
import type { DecodedSample } from '../../wire/records/decoded.ts';
import { noDelivery } from '../ingest/counts.ts';
import { Registry } from '../ingest/registry.ts';
import type { Events } from './contract.ts';
import type { Hub } from './hub.ts';
import { LiveFeed } from './live-feed.ts';
import type { CollectorMetrics } from './metrics.ts';
import { upMs } from './present.ts';

function fixture() {
  const clock = createManualClock();
  const { log, lines } = createKeptLog();
  const hub = {
    sample: vi.fn<(row: readonly (number | null)[]) => void>(),
    detail: vi.fn<(detail: Events['detail']) => void>(),
    server: vi.fn<(summary: Events['server']) => void>(),
    notice: vi.fn<(text: string, ts: number) => void>(),
    isWatched: vi.fn<(id: number) => boolean>(() => false),
  };
  const metrics = { noteLag: vi.fn<(ms: number) => void>() };
  const feed = new LiveFeed({
    hub: hub as unknown as Hub,
    metrics: metrics as unknown as CollectorMetrics,
    clock,
    log,
  });
  const registry = new Registry();
  const source = registry.create({ serverId: 'pc', replayId: '', originMs: 0 });
  source.lastSeenMs = noonMs;
  return { clock, lines, hub, metrics, feed, registry, source };
}

function sample(tsMs: number): DecodedSample {
  const values = METRICS.map((_, i) => (i === 0 ? 5 : Number.NaN));
  const identity = { bootId: 'boot', seq: 7 };
  return { kind: 'sample', serverId: 'pc', tsMs, identity, values, lane: 0, detail: '{"load1":1}' };
}

it('a sample goes to the charts, and its detail to nobody who does not look at its server', () => {
  const { feed, hub, source } = fixture();
  feed.sample(source, sample(noonMs - 250), sample(0).values, noonMs);
  expect(hub.sample).toHaveBeenCalledWith(1, noonMs - 250, sample(0).values);
  expect(hub.detail).not.toHaveBeenCalled();
});

it('a server that somebody looks at is sent whole', () => {
  const { feed, hub, source } = fixture();
  hub.isWatched.mockReturnValue(true);
  feed.sample(source, sample(noonMs), sample(0).values, noonMs);
  const whole = {
    v: 1,
    server_id: 'pc',
    ts: noonMs,
    boot_id: 'boot',
    seq: 7,
    cpu_pct: 5,
    load1: 1,
  };
  expect(hub.detail).toHaveBeenCalledWith({
    id: 1,
    sample: whole,
    delivery: { ...noDelivery(), boot: null, conflict: null },
  });
});

it('lag is measured on live samples alone: a replay is as old as its file', () => {
  const { feed, metrics, registry, source } = fixture();
  const replay = registry.create({ serverId: 'pc', replayId: 'file', originMs: 5 });
  feed.sample(source, sample(noonMs - 250), [], noonMs);
  feed.sample(replay, sample(0), [], noonMs);
  expect(metrics.noteLag.mock.calls).toEqual([[250]]);
});

it('a server falls silent by the clock alone, and that is told once', () => {
  const { clock, feed, hub, registry } = fixture();
  feed.tick(registry);
  clock.advance(upMs);
  feed.tick(registry);
  expect(hub.server).not.toHaveBeenCalled();
  clock.advance(1);
  feed.tick(registry);
  feed.tick(registry);
  expect(hub.server.mock.calls.map(([summary]) => summary.state)).toEqual(['silent']);
});

it('counts and backlogs are told once a second for each server, however often they change', () => {
  const { clock, feed, hub, registry, source } = fixture();
  feed.tick(registry);
  for (let waiting = 5_000; waiting > 4_000; waiting -= 10) {
    clock.advance(30);
    source.catchUp.note(waiting, clock.monotonicMs());
    source.delivery.lost += 1;
    feed.deliveryChanged(source);
  }
  expect(hub.server).not.toHaveBeenCalled();
  feed.tick(registry);
  feed.tick(registry);
  expect(hub.server.mock.calls).toMatchObject([
    [{ lost: 100, catch_up: { waiting: 4_010, left_ms: expect.any(Number) } }],
  ]);
});

it('a room that comes back at once is told in parts: each server has its turn', () => {
  const { feed, hub, registry, source } = fixture();
  const room = Array.from({ length: 250 }, (_, i) =>
    registry.create({ serverId: `pc-${i}`, replayId: '', originMs: 0 }),
  );
  feed.tick(registry);
  const perTick = [0, 0, 0].map(() => {
    feed.deliveryChanged(source);
    for (const server of hub.server.mock.calls.length === 0 ? room : []) {
      feed.deliveryChanged(server);
    }
    feed.tick(registry);
    return hub.server.mock.calls.length;
  });
  expect(perTick).toEqual([100, 200, 252]);
  expect(new Set(hub.server.mock.calls.map(([{ id }]) => id)).size).toBe(251);
});

it('connection tests are told to people, and a storm of them once a second', () => {
  const { clock, feed, hub, lines } = fixture();
  for (let i = 0; i < 100; i += 1) feed.connectionTest('machine_46');
  clock.advance(1_000);
  feed.connectionTest('machine_46');
  const text = 'connection test received from machine_46';
  expect(lines.map(({ msg }) => msg)).toEqual([text, text]);
  expect(hub.notice.mock.calls).toEqual([
    [text, noonMs],
    [text, noonMs + 1_000],
  ]);
});
