/** Topics get more partitions while two collectors run: a server whose key moves changes hands. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LogRecord } from '../../wire/transport/log/port.ts';
import { partitionOf } from '../../wire/transport/log/partition.ts';
import { sample } from '../ingest/testing/records.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { alertFleet, RULES } from './alerts/testing/fleet.ts';
import { GROUP, send, TOPICS } from './testing/members.ts';
import { finals } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Place = Pick<LogRecord, 'topic' | 'partition'>;
const isAt = (one: Place, other: Place): boolean =>
  one.topic === other.topic && one.partition === other.partition;
const before = 3;

/** Two that stay and two that move, into a partition that was there or into a new one. */
function namesFor(partitions: number): readonly string[] {
  const all = Array.from({ length: 1_000 }, (_, i) => `pc-${i}`);
  const goes = (from: number, to: number) => (name: string) =>
    partitionOf(name, before) === from && partitionOf(name, partitions) === to;
  const moves = partitions === 4 ? goes(0, 2) : goes(1, 4);
  return [
    ...[1, 2].flatMap((slot) => all.find(goes(slot, slot)) ?? []),
    ...all.filter(moves).slice(0, 2),
  ];
}

it.each([4, 6])(
  'a server has one owner, is not silent, its alert goes on, and windows that were cut say so: %i',
  async (more) => {
    const names = namesFor(more);
    const hot = names[3] ?? '';
    const fleet = alertFleet(RULES.replace('silent: 60s', 'silent: 40s'));
    const fromMs = fleet.clock.wallMs();
    let seq = 0;
    const run = async (seconds: number, partitions: number, cpu = 99): Promise<void> => {
      const counts = Object.fromEntries(TOPICS.map((topic) => [topic, partitions]));
      for (let i = 0; i < seconds; i += 1) {
        for (const server_id of names) {
          const header = { server_id, boot_id: 'boot' };
          const cpu_pct = server_id === hot ? cpu : 1;
          const record = sample({ ts: fleet.clock.wallMs(), seq, server_id, cpu_pct });
          send({ ...fleet, partitions: counts }, [record], header);
        }
        seq += 1;
        await fleet.run(1);
      }
    };
    // Then of each partition that there is something was committed: it is not cut for being new.
    const zero = fleet.start('zero');
    await run(5, before);
    await zero.stop();
    const members = [fleet.start('one'), fleet.start('two')] as const;
    const owners = (name: string) =>
      members.filter(({ registry }) => registry.find(name, '')?.isOurs === true);
    await run(45, before);
    const firing = [`firing cpu ${hot}`];
    expect(fleet.told()).toEqual(firing);
    const owned = new Map(names.map((name) => [name, owners(name)[0]]));
    for (const topic of TOPICS) fleet.log.grow(topic, more);
    await run(60, more);
    expect(names.map((name) => owners(name).length)).toEqual(names.map(() => 1));
    const moved = names.filter((name) => owners(name)[0] !== owned.get(name));
    expect(moved).toEqual(names.slice(2));
    expect(fleet.told()).toEqual(firing);
    expect(members.map((member) => fleet.shownBy(member))).toEqual([firing, firing]);
    // What lies in the partition that it came in is needed by nobody any longer.
    const old = { topic: SAMPLES_TOPIC, partition: partitionOf(hot, before) };
    const records = fleet.log.records(SAMPLES_TOPIC);
    const there = records.filter(({ partition }) => partition === old.partition);
    const { offset = 0 } = fleet.log.committed(GROUP).find((each) => isAt(each, old)) ?? {};
    expect(there.slice(offset).map(({ key }) => key?.toString())).not.toContain(hot);
    await run(35, more, 1);
    expect(members.map(({ ingest }) => ingest.counts.lost)).toEqual([0, 0]);
    expect(fleet.told()).toEqual([...firing, `resolved cpu ${hot}`]);
    for (const member of members) {
      const cut = finals(member).filter(
        ({ startMs, samples }) => startMs >= fromMs + 10_000 && samples < 30,
      );
      expect(cut.every(({ serverId, incomplete }) => moved.includes(serverId) && incomplete)).toBe(
        true,
      );
      expect(cut).toHaveLength(2 * moved.length);
    }
  },
);
