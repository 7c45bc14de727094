/** What was sent by a collector that was killed before it could say so, and comes again from others. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type AlertFleet, alertFleet, type Arrived, serverIn } from './testing/fleet.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const servers = [serverIn(0), serverIn(1), serverIn(2)] as const;
const [first, second] = servers;
const idle = Object.fromEntries(servers.map((server) => [server, 1]));
const hot = Object.fromEntries(servers.map((server) => [server, 99]));

/** All fire at once, and whoever has told it is killed. */
async function sentByOneThatIsKilled(): Promise<AlertFleet> {
  const fleet = alertFleet();
  const one = fleet.start('one');
  await fleet.run(60, idle);
  fleet.receiver.killsNext = true;
  while (one.db.isOpen) await fleet.run(1, hot);
  expect(requestsOf(fleet)).toMatchObject([{ by: 'one', servers: [...servers].sort() }]);
  return fleet;
}

interface Request {
  readonly by: string;
  readonly key: string;
  readonly servers: readonly string[];
}

function requestsOf({ arrived }: AlertFleet): Request[] {
  const byRequest = Map.groupBy(arrived, ({ by, key }) => `${by} ${key}`);
  return [...byRequest.values()].map((notices) => ({
    by: notices[0]?.by ?? '',
    key: notices[0]?.key ?? '',
    servers: notices.map(({ server }) => server).sort(),
  }));
}

/** By which a receiver knows an alert, in the payloads of all notifiers. */
function alertIn({ status, fingerprint, startsAtMs }: Arrived): string {
  return `${status} ${fingerprint} ${startsAtMs}`;
}

it('what was sent together comes again with the same key where all of it goes to one collector', async () => {
  const fleet = await sentByOneThatIsKilled();
  fleet.start('two');
  await fleet.run(40, hot);
  const [sent, again, ...more] = requestsOf(fleet);
  expect(more).toEqual([]);
  expect(again).toEqual({ ...sent, by: 'two' });
});

it('what is parted among several is known by its alerts, and no key stands for other alerts than before', async () => {
  const fleet = await sentByOneThatIsKilled();
  const known = fleet.arrived.map(alertIn).sort();
  fleet.start('two');
  fleet.start('three');
  await fleet.run(40, hot);
  const [sent, ...parts] = requestsOf(fleet);
  expect(parts.map(({ by }) => by).sort()).toEqual(['three', 'two']);
  expect(parts.flatMap((part) => part.servers).sort()).toEqual(sent?.servers);
  expect(fleet.arrived.slice(known.length).map(alertIn).sort()).toEqual(known);
  // A receiver that had not got it must take each part.
  expect(new Set([sent, ...parts].map((request) => request?.key)).size).toBe(3);
});

it('what went alone comes again alone, with its key, although more of its sender waits by then', async () => {
  const fleet = alertFleet();
  const one = fleet.start('one');
  await fleet.run(60, idle);
  fleet.receiver.killsNext = true;
  fleet.receiver.answerMs = 90_000;
  while (fleet.arrived.length === 0) await fleet.run(1, { ...idle, [first]: 99 });
  // Fires while the answer is waited for.
  while (one.db.isOpen) await fleet.run(1, { ...idle, [first]: 99, [second]: 99 });
  expect(fleet.topic().get(`cpu|${second}`)?.notices).toMatchObject([
    { outcomes: { ops: 'waiting' } },
  ]);
  fleet.receiver.answerMs = 0;
  fleet.start('two');
  await fleet.run(40, { ...idle, [first]: 99, [second]: 99 });
  const [sent, again, other, ...more] = requestsOf(fleet);
  expect(more).toEqual([]);
  expect(sent).toMatchObject({ by: 'one', servers: [first] });
  expect(again).toEqual({ ...sent, by: 'two' });
  expect(other).toMatchObject({ by: 'two', servers: [second] });
});
