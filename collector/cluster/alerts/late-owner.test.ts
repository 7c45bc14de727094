/** One that lost its share before it had taken it over, or tells of it afterwards. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ALERTS_TOPIC, type AlertRecordOnWire } from '../../../wire/records/alert-record.ts';
import type { Log } from '../../../wire/transport/log/port.ts';
import { GROUP } from '../testing/members.ts';
import { type AlertFleet, alertFleet, serverIn } from './testing/fleet.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const server = serverIn(0);
const key = `cpu|${server}`;
const hot = { [server]: 99 };
const idle = { [server]: 1 };

/** From now on whoever begins to read alerts for the nth time waits until it is let go on. */
function holdReader(log: Pick<Log, 'reader'>, nth: number) {
  const gate = Promise.withResolvers<void>();
  const { reader } = log;
  let isFree = false;
  log.reader = (topic) => {
    const inner = reader(topic);
    if (topic !== ALERTS_TOPIC || isFree) return inner;
    let count = 0;
    return {
      end: (signal) => inner.end(signal),
      async follow(from, handlers, signal) {
        count += 1;
        if (count >= nth) await gate.promise;
        return inner.follow(from, handlers, signal);
      },
    };
  };
  return {
    release: () => gate.resolve(),
    othersAreFree: () => {
      isFree = true;
    },
  };
}

async function fired(fleet: AlertFleet): Promise<void> {
  await fleet.run(30, idle);
  await fleet.run(70, hot);
  expect(fleet.told()).toEqual([`firing ${key.replace('|', ' ')}`]);
}

const owner = (fleet: AlertFleet) => fleet.topic().get(key)?.owner;
const tellers = ({ log }: AlertFleet) =>
  log
    .records(ALERTS_TOPIC)
    .map(({ value }) => (JSON.parse(String(value)) as AlertRecordOnWire).owner.id);
const toldTwice = [`firing cpu ${server}`, `resolved cpu ${server}`];

it('a share that was lost while its take-over waited is not taken over', async () => {
  const fleet = alertFleet();
  const zero = fleet.start('zero');
  await fired(fleet);
  zero.kill();
  // It has joined, and waits for what is in the topic now.
  const held = holdReader(fleet.log, 3);
  const one = fleet.start('one');
  held.othersAreFree();
  await fleet.run(2, hot);
  expect(one.lines.map(({ msg }) => msg)).not.toContain('reads these partitions of the log');
  fleet.log.kill(GROUP, 'one');
  const two = fleet.start('two');
  await fleet.run(10, hot);
  expect(owner(fleet)?.id).toBe('two');
  held.release();
  await fleet.run(3, hot);
  expect(fleet.shownBy(one)).toEqual([`firing cpu ${server}`]);
  expect(tellers(fleet)).not.toContain('one');
  expect(one.lines.map(({ msg }) => msg)).not.toContain('reads these partitions of the log');
  one.db.close();
  await fleet.run(60, idle);
  two.kill();
  const three = fleet.start('three');
  await fleet.run(60, idle);
  expect(fleet.shownBy(three)).toEqual([]);
  expect(fleet.told()).toEqual(toldTwice);
});

it.each(['fires', 'is over'])(
  'what a late one tells in a higher term takes nothing from the owner of an alert that %s',
  async (now) => {
    const fleet = alertFleet();
    const one = fleet.start('one');
    await fired(fleet);
    const record = fleet.topic().get(key);
    if (now === 'is over') await fleet.run(60, idle);
    const late = { id: 'late', url: 'http://late.test', term: fleet.clock.wallMs() + 60_000 };
    const value = Buffer.from(JSON.stringify({ ...record, owner: late }));
    fleet.log.append({ topic: ALERTS_TOPIC, partition: 0, key: Buffer.from(key), value });
    await fleet.run(3, now === 'is over' ? idle : hot);
    expect(owner(fleet)).toMatchObject({ id: 'one' });
    expect(owner(fleet)?.term).toBeGreaterThan(late.term);
    await fleet.run(60, idle);
    one.kill();
    const two = fleet.start('two');
    await fleet.run(60, idle);
    expect(fleet.shownBy(two)).toEqual([]);
    expect(fleet.told()).toEqual(toldTwice);
  },
);
