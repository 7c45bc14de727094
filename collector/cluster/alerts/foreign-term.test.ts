import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { futureMsMax } from '../../../wire/limits.ts';
import { ALERTS_TOPIC } from '../../../wire/records/alert-record.ts';
import { count } from '../../store/testing/rows.ts';
import { alertFleet, type AlertFleet, serverIn } from './testing/fleet.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const first = serverIn(0);
const busy = { [first]: 99 };
const idle = { [first]: 1 };
const highestTerm = Number.MAX_SAFE_INTEGER;

/** The alert as the topic has it, of a collector that says it has come to that term. */
function foreign(fleet: AlertFleet, term: number) {
  const record = fleet.topic().get(`cpu|${first}`);
  if (record === undefined) throw new Error('no record');
  return { ...record, owner: { id: 'x', url: 'http://x.test', term } };
}

function append(fleet: AlertFleet, record: ReturnType<typeof foreign>): void {
  const [key, value] = [`cpu|${first}`, JSON.stringify(record)].map((text) => Buffer.from(text));
  fleet.log.append({ topic: ALERTS_TOPIC, partition: 0, key, value });
}

it('a term that no collector can have come to is refused, and alerts are handed over after it', async () => {
  const fleet = alertFleet();
  const one = fleet.start('one');
  await fleet.run(30, idle);
  await fleet.run(70, busy);
  append(fleet, foreign(fleet, highestTerm));
  await fleet.run(2, busy);
  expect(count(one.db, 'quarantine')).toBe(1);
  const two = fleet.start('two');
  await fleet.run(5, busy);
  one.kill();
  await fleet.run(20, busy);
  await fleet.run(60, idle);
  expect(fleet.told()).toEqual([`firing cpu ${first}`, `resolved cpu ${first}`]);
  expect(fleet.topic().get(`cpu|${first}`)?.owner.term).toBeLessThan(fleet.clock.wallMs());
  // It has read the topic from its beginning, and nothing but that record is foreign to it.
  expect(count(two.db, 'quarantine')).toBe(1);
});

it('a term up to a day ahead is taken, and the next is above it', async () => {
  const fleet = alertFleet();
  const one = fleet.start('one');
  await fleet.run(30, idle);
  await fleet.run(70, busy);
  const term = fleet.clock.wallMs() + futureMsMax;
  append(fleet, foreign(fleet, term));
  await fleet.run(2, busy);
  expect(count(one.db, 'quarantine')).toBe(0);
  fleet.start('two');
  await fleet.run(5, busy);
  one.kill();
  await fleet.run(20, busy);
  expect(fleet.topic().get(`cpu|${first}`)?.owner.term).toBeGreaterThan(term);
});

it('such a term that an older windrow has stored counts for nothing', async () => {
  const fleet = alertFleet();
  const one = fleet.start('one');
  await fleet.run(30, idle);
  await fleet.run(70, busy);
  const record = foreign(fleet, highestTerm);
  const over = { ...record, kind: 'resolved', active: null, ended_ms: record.at_ms, notices: [] };
  one.db
    .prepare('UPDATE shared_alerts SET term = ?, active = 0, body = ?')
    .run(highestTerm, JSON.stringify(over));
  // As it took a term above that for itself.
  one.db.exec(`UPDATE own_alerts SET body = json_set(body, '$.owner.term', ${highestTerm + 1})`);
  one.kill();
  const again = fleet.start('one');
  await fleet.run(20, busy);
  expect(fleet.shownBy(again)).toEqual([`firing cpu ${first}`]);
  await fleet.run(60, idle);
  expect(fleet.told()).toEqual([`firing cpu ${first}`, `resolved cpu ${first}`]);
  expect(fleet.topic().get(`cpu|${first}`)).toMatchObject({
    kind: 'resolved',
    owner: { id: 'one' },
  });
  expect(fleet.topic().get(`cpu|${first}`)?.owner.term).toBeLessThan(fleet.clock.wallMs());
});
