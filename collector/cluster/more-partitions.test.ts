/** Topics get more partitions while two collectors run: a server whose key moves changes hands. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Log, LogRecord } from '../../wire/transport/log/port.ts';
import { partitionOf } from '../../wire/transport/log/partition.ts';
import { sample } from '../ingest/testing/records.ts';
import { WINDOWS } from '../ingest/testing/rig.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { type AlertFleet, alertFleet, RULES } from './alerts/testing/fleet.ts';
import { GROUP, type Member, send, TOPICS } from './testing/members.ts';
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
const { slideMs } = WINDOWS;

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

/** A sample of each, each second. @param cpu in percent, by name; 1 of the others */
function runOf(fleet: AlertFleet, names: readonly string[]) {
  let seq = 0;
  return async (
    seconds: number,
    partitions: number,
    cpu: Readonly<Record<string, number>> = {},
  ) => {
    const counts = Object.fromEntries(TOPICS.map((topic) => [topic, partitions]));
    for (let i = 0; i < seconds; i += 1) {
      for (const server_id of names) {
        const cpu_pct = cpu[server_id] ?? 1;
        const record = sample({ ts: fleet.clock.wallMs(), seq, server_id, cpu_pct });
        send({ ...fleet, partitions: counts }, [record], { server_id, boot_id: 'boot' });
      }
      seq += 1;
      await fleet.run(1);
    }
  };
}

/** Where its final windows have a gap: the begin of each that nobody made, ms. */
function missing(member: Member, name: string): number[] {
  const starts = new Set(
    finals(member).flatMap(({ serverId, startMs }) => (serverId === name ? startMs : [])),
  );
  const lastMs = Math.max(...starts);
  return [...starts]
    .map((startMs) => startMs + slideMs)
    .filter((startMs) => startMs <= lastMs && !starts.has(startMs));
}

/** From now on a member that joins takes nothing in while it is held. */
function holdTaking(log: Pick<Log, 'consumer'>, name: string) {
  const { consumer } = log;
  let gate = Promise.resolve();
  let open = (): void => {};
  log.consumer = (options) => {
    const inner = consumer(options);
    if (options.member !== name) return inner;
    const run = inner.run.bind(inner);
    inner.run = (handler, signal) => {
      const take = handler.take.bind(handler);
      handler.take = async (records, waitedMsMax) => {
        await gate;
        await take(records, waitedMsMax);
      };
      return run(handler, signal);
    };
    return inner;
  };
  return {
    hold() {
      ({ promise: gate, resolve: open } = Promise.withResolvers<void>());
    },
    release: () => open(),
  };
}

it.each([4, 6])(
  'a server has one owner, is not silent, its alert goes on, and windows that were cut say so: %i',
  async (more) => {
    const names = namesFor(more);
    const hot = names[3] ?? '';
    const busy = { [hot]: 99 };
    const fleet = alertFleet(RULES.replace('silent: 60s', 'silent: 33s'));
    const fromMs = fleet.clock.wallMs();
    const run = runOf(fleet, names);
    // Then of each partition that there is something was committed: it is not cut for being new.
    const zero = fleet.start('zero');
    await run(5, before, busy);
    await zero.stop();
    const members = [fleet.start('one'), fleet.start('two')] as const;
    const owners = (name: string) =>
      members.filter(({ registry }) => registry.find(name, '')?.isOurs === true);
    await run(45, before, busy);
    const firing = [`firing cpu ${hot}`];
    expect(fleet.told()).toEqual(firing);
    const owned = new Map(names.map((name) => [name, owners(name)[0]]));
    for (const topic of TOPICS) fleet.log.grow(topic, more);
    await run(60, more, busy);
    expect(names.map((name) => owners(name).length)).toEqual(names.map(() => 1));
    const moved = names.filter((name) => owners(name)[0] !== owned.get(name));
    expect(moved).toEqual(names.slice(2));
    const owning = names.map(owners);
    expect(fleet.told()).toEqual(firing);
    expect(members.map((member) => fleet.shownBy(member))).toEqual([firing, firing]);
    // What lies in the partition that it came in is needed by nobody any longer.
    const old = { topic: SAMPLES_TOPIC, partition: partitionOf(hot, before) };
    const records = fleet.log.records(SAMPLES_TOPIC);
    const there = records.filter(({ partition }) => partition === old.partition);
    const { offset = 0 } = fleet.log.committed(GROUP).find((each) => isAt(each, old)) ?? {};
    expect(there.slice(offset).map(({ key }) => key?.toString())).not.toContain(hot);
    // One that waited there for long changes nothing.
    const late = sample({
      ts: fromMs + 1_000,
      seq: 0,
      server_id: hot,
      boot_id: 'late',
      cpu_pct: 1,
    });
    send({ ...fleet, partitions: { [SAMPLES_TOPIC]: before } }, [late], {
      server_id: hot,
      boot_id: 'late',
    });
    await run(2, more, busy);
    expect(names.map(owners)).toEqual(owning);
    await run(35, more, { [hot]: 1 });
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
      for (const name of names) expect(missing(member, name)).toEqual([]);
    }
  },
);

it('windows of what its former owner had still to read of a server are made', async () => {
  const names = namesFor(4);
  const fleet = alertFleet();
  const fromMs = fleet.clock.wallMs();
  const run = runOf(fleet, names);
  const zero = fleet.start('zero');
  await run(5, before);
  await zero.stop();
  const taking = holdTaking(fleet.log, 'one');
  const members = [fleet.start('one'), fleet.start('two')] as const;
  const owners = (name: string) =>
    members.filter(({ registry }) => registry.find(name, '')?.isOurs === true);
  await run(25, before);
  const moved = names.slice(2);
  expect(moved.map((name) => owners(name)[0])).toEqual(moved.map(() => members[0]));
  taking.hold();
  await run(30, before);
  for (const topic of TOPICS) fleet.log.grow(topic, 4);
  await run(60, 4);
  taking.release();
  await run(40, 4);
  expect(moved.map(owners)).toEqual(moved.map(() => [members[1]]));
  expect(fleet.told()).toEqual([]);
  for (const member of members) {
    for (const name of names) expect(missing(member, name)).toEqual([]);
    const cut = finals(member).filter(
      ({ startMs, samples }) => startMs >= fromMs + 10_000 && samples < 30,
    );
    expect(cut.filter(({ incomplete }) => !incomplete)).toEqual([]);
    expect(cut).toHaveLength(2 * moved.length);
  }
});
