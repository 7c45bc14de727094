/** Windows that wait to be published when their slot goes to another collector. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WINDOW_RESULTS_TOPIC, type WindowResult } from '../../wire/records/window-result.ts';
import { type AlertFleet, alertFleet, serverIn } from './alerts/testing/fleet.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const slideMs = 10_000;
const servers = [0, 1, 2].map(serverIn);
const idle = Object.fromEntries(servers.map((server) => [server, 1]));

function published({ log }: AlertFleet, server: string): WindowResult[] {
  return log
    .records(WINDOW_RESULTS_TOPIC)
    .map(({ value }) => JSON.parse(String(value)) as WindowResult)
    .filter(({ server_id }) => server_id === server);
}

/** Each window up to where a record says that they are closed is in it or in an earlier one. */
function expectWhole(results: readonly WindowResult[]): void {
  const ends = new Set<number>();
  for (const { end_ms, closed_through_ms } of results) {
    ends.add(end_ms);
    const [first = 0] = ends;
    const missing: number[] = [];
    for (let end = first; end <= (closed_through_ms ?? 0); end += slideMs) {
      if (!ends.has(end)) missing.push(end);
    }
    expect(missing).toEqual([]);
  }
}

it('are made and published by whoever has it then, and not sent by us', async () => {
  const f = alertFleet();
  f.start('one');
  await f.run(60, idle);
  f.log.failSends(1_000);
  await f.run(40, idle);
  const before = servers.map((server) => published(f, server).length);
  f.start('two');
  await f.run(5, idle);
  f.log.failSends(0);
  await f.run(60, idle);
  const after = servers.map((server, i) => published(f, server).slice(before[i]));
  // Each is told of by one of them alone since.
  const owners = after.map((results) => Array.from(new Set(results.map(({ owner }) => owner.id))));
  const told = owners.map((ids) => ids.join(' ')).toSorted((a, b) => (a < b ? -1 : 1));
  expect(told).toEqual(['one', 'one', 'two']);
  for (const server of servers) expectWhole(published(f, server));
  const closed = servers.map((server) => published(f, server).at(-1)?.closed_through_ms);
  expect(new Set(closed).size).toBe(1);
});

it('are no less published when the slot comes back before anybody did', async () => {
  const f = alertFleet();
  f.start('one');
  await f.run(60, idle);
  f.log.failSends(1_000);
  await f.run(40, idle);
  const two = f.start('two');
  await f.run(5, idle);
  two.kill();
  await f.run(5, idle);
  f.log.failSends(0);
  await f.run(60, idle);
  for (const server of servers) {
    expectWhole(published(f, server));
    expect(new Set(published(f, server).map(({ owner }) => owner.id))).toEqual(new Set(['one']));
  }
});
