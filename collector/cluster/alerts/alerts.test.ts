import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ALERTS_TOPIC } from '../../../wire/records/alert-record.ts';
import { WINDOW_RESULTS_TOPIC } from '../../../wire/records/window-result.ts';
import { count } from '../../store/testing/rows.ts';
import { AlertViews } from '../../api/alert-views.ts';
import { storedTransitions } from '../../alerts/store.ts';
import type { Member } from '../testing/members.ts';
import { type AlertFleet, alertFleet, serverIn } from './testing/fleet.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const [first, second] = [serverIn(0), serverIn(2)];
const busy = { [first]: 99, [second]: 99 };
const idle = { [first]: 1, [second]: 1 };
const hot = { [first]: 99, [second]: 1 };

/** Whose slot the server's is. */
function ownerOf(server: string, members: readonly Member[]): Member {
  const owner = members.find(({ registry }) => registry.find(server, '')?.isOurs === true);
  if (owner === undefined) throw new Error(`nobody has ${server}`);
  return owner;
}

/** Two collectors, and who of them has the server; samples have come for half a minute. */
async function two(fleet: AlertFleet) {
  const members = [fleet.start('one'), fleet.start('two')];
  await fleet.run(30, idle);
  const owner = ownerOf(first, members);
  const other = members.find((member) => member !== owner);
  if (other === undefined) throw new Error('there is one alone');
  return { owner, other };
}

function steps({ db }: Member): string[] {
  return [...storedTransitions(db, { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER })]
    .map(({ kind, rule, server }) => `${kind} ${rule} ${server}`)
    .sort();
}

it('each alert is judged and told by its server’s owner alone, and shown by all', async () => {
  const fleet = alertFleet();
  const { owner, other } = await two(fleet);
  await fleet.run(70, busy);
  const firing = [`firing cpu ${first}`, `firing cpu ${second}`].sort();
  expect(fleet.told().sort()).toEqual(firing);
  for (const { by, server } of fleet.arrived) expect(by).toBe(ownerOf(server, [owner, other]).name);
  expect(fleet.shownBy(owner)).toEqual(firing);
  expect(fleet.shownBy(other)).toEqual(firing);
  expect([...owner.engine.active()]).toHaveLength(1);
  expect(other.others).toContain(`firing cpu ${first}`);
  const { engine, registry, db, cluster } = other;
  const others = () => cluster.othersAlerts(db);
  const views = new AlertViews({ engine, registry, db, clock: fleet.clock, others });
  const shown = views.all().active.find(({ server }) => server === first);
  expect(views.explain(shown?.id ?? '')).toMatchObject({
    alert: { server: first, state: 'firing' },
    transitions: [{ kind: 'pending' }, { kind: 'firing' }],
  });
  await fleet.run(60, idle);
  expect(fleet.told()).toHaveLength(4);
  expect(fleet.shownBy(other)).toEqual([]);
  expect(steps(other)).toEqual(steps(owner));
  expect(steps(owner)).toHaveLength(6);
});

it('a killed owner’s alert goes on at the next one: told once, and resolved once', async () => {
  const fleet = alertFleet();
  const { owner } = await two(fleet);
  await fleet.run(70, hot);
  expect(fleet.told()).toEqual([`firing cpu ${first}`]);
  owner.kill();
  await fleet.run(40, hot);
  expect(fleet.told()).toHaveLength(1);
  await fleet.run(60, idle);
  expect(fleet.told()).toEqual([`firing cpu ${first}`, `resolved cpu ${first}`]);
  const [firing, resolved] = fleet.arrived;
  expect(resolved?.id).toBe(firing?.id);
  expect(resolved?.by).not.toBe(owner.name);
});

it('a kill after the commit and before the publishing loses no notification', async () => {
  const fleet = alertFleet();
  const { owner } = await two(fleet);
  fleet.receiver.isDown = true;
  await fleet.run(30, hot);
  while (!owner.alerts.includes(`firing cpu ${first}`)) {
    // Whatever is published from here on does not get into the log.
    fleet.log.failSends(1_000_000);
    await fleet.run(1, hot);
  }
  owner.kill();
  fleet.log.failSends(0);
  fleet.receiver.isDown = false;
  expect(fleet.topic().get(`cpu|${first}`)?.kind).not.toBe('firing');
  await fleet.run(40, hot);
  expect(fleet.told()).toEqual([`firing cpu ${first}`]);
});

it.each([
  ['what a window raised and the window', ALERTS_TOPIC],
  ['the window after what it raised', WINDOW_RESULTS_TOPIC],
])(
  'a kill before %s is published loses nothing, and makes no second alert of it',
  async (_, topic) => {
    const fleet = alertFleet();
    const { owner } = await two(fleet);
    fleet.receiver.killsBefore = (member, to) =>
      member === owner && to === topic && member.alerts.includes(`firing cpu ${first}`);
    while (owner.db.isOpen) await fleet.run(1, hot);
    fleet.receiver.killsBefore = undefined;
    // The next window is one of an idle server: nobody finds later what is not found now.
    await fleet.run(40, idle);
    expect(fleet.told()[0]).toBe(`firing cpu ${first}`);
    // It may have been sent where the topic had it, and not before.
    expect(new Set(fleet.arrived.map(({ id }) => id)).size).toBe(1);
    expect(fleet.told().at(-1)).toBe(`resolved cpu ${first}`);
  },
);

it('what waits for a receiver is sent by whoever takes over', async () => {
  const fleet = alertFleet();
  const { owner } = await two(fleet);
  fleet.receiver.isDown = true;
  await fleet.run(70, hot);
  owner.kill();
  fleet.receiver.isDown = false;
  await fleet.run(6, hot);
  // Its former owner might be at it still.
  expect(fleet.told()).toEqual([]);
  await fleet.run(20, hot);
  expect(fleet.told()).toEqual([`firing cpu ${first}`]);
});

it('a kill between sending and recording repeats that one, with the same id', async () => {
  const fleet = alertFleet();
  const { owner } = await two(fleet);
  fleet.receiver.killsNext = true;
  await fleet.run(90, hot);
  expect(owner.db.isOpen).toBe(false);
  expect(fleet.told()).toEqual([`firing cpu ${first}`, `firing cpu ${first}`]);
  expect(fleet.arrived[1]?.id).toBe(fleet.arrived[0]?.id);
  await fleet.run(60, idle);
  expect(fleet.told()).toHaveLength(3);
});

it('a stop in good order hands over at once, and nothing is told twice', async () => {
  const fleet = alertFleet();
  const { owner, other } = await two(fleet);
  await fleet.run(70, hot);
  fleet.receiver.isDown = true;
  await fleet.run(40, idle);
  await owner.stop();
  expect(fleet.topic().get(`cpu|${first}`)).toMatchObject({ kind: 'resolved' });
  fleet.receiver.isDown = false;
  await fleet.run(2, idle);
  expect(fleet.told()).toEqual([`firing cpu ${first}`, `resolved cpu ${first}`]);
  expect(fleet.arrived[1]?.by).toBe(other.name);
  await fleet.run(30, idle);
  expect(fleet.told()).toHaveLength(2);
});

it('a rolling restart while an alert is on repeats nothing', async () => {
  const fleet = alertFleet();
  const { owner, other } = await two(fleet);
  await fleet.run(70, busy);
  await owner.stop();
  await fleet.run(10, busy);
  fleet.start(owner.name);
  await fleet.run(10, busy);
  await other.stop();
  await fleet.run(10, busy);
  fleet.start(other.name);
  await fleet.run(30, busy);
  expect(fleet.told()).toHaveLength(2);
  await fleet.run(70, idle);
  expect(fleet.told()).toHaveLength(4);
});

it('what is on its way when its slot moves is told by nobody else', async () => {
  const fleet = alertFleet();
  fleet.start('one');
  await fleet.run(30, idle);
  fleet.receiver.answerMs = 2_900;
  while (fleet.told().length === 0) await fleet.run(1, { [first]: 1, [second]: 99 });
  const two = fleet.start('two');
  await fleet.run(1, { [first]: 1, [second]: 99 });
  expect(two.registry.find(second, '')?.isOurs).toBe(true);
  expect(fleet.topic().get(`cpu|${second}`)?.notices).toMatchObject([
    { outcomes: { ops: 'waiting' } },
  ]);
  await fleet.run(30, { [first]: 1, [second]: 99 });
  expect(fleet.arrived).toMatchObject([{ status: 'firing', server: second, by: 'one' }]);
  await fleet.run(60, idle);
  expect(fleet.arrived).toMatchObject([{ by: 'one' }, { status: 'resolved', by: 'two' }]);
});

it('records that are no alerts, or of a collector that was replaced, change nothing', async () => {
  const fleet = alertFleet();
  const { owner, other } = await two(fleet);
  await fleet.run(70, hot);
  const record = fleet.topic().get(`cpu|${first}`);
  if (record === undefined) throw new Error('no record');
  const of = (value: unknown) => ({
    topic: ALERTS_TOPIC,
    partition: 0,
    key: Buffer.from(`cpu|${first}`),
    value: Buffer.from(JSON.stringify(value)),
  });
  fleet.log.append(of('none'));
  const stale = { id: 'three', url: 'http://three.test', term: record.owner.term - 1 };
  fleet.log.append(
    of({
      ...record,
      kind: 'resolved',
      ended_ms: record.at_ms,
      active: null,
      notices: [],
      owner: stale,
    }),
  );
  await fleet.run(5, hot);
  for (const member of [owner, other]) {
    expect(fleet.shownBy(member)).toEqual([`firing cpu ${first}`]);
    expect(count(member.db, 'quarantine')).toBe(1);
  }
  // Whoever reads the newest of each key alone is not led astray for long.
  expect(fleet.topic().get(`cpu|${first}`)).toMatchObject({
    kind: 'firing',
    owner: { id: owner.name },
  });
});

it('one that comes back after a kill goes on with what nobody took over', async () => {
  const fleet = alertFleet();
  const one = fleet.start('one');
  await fleet.run(30, idle);
  fleet.receiver.isDown = true;
  await fleet.run(60, hot);
  one.kill();
  fleet.receiver.isDown = false;
  fleet.start('one');
  await fleet.run(10, hot);
  expect(fleet.told()).toEqual([`firing cpu ${first}`]);
  await fleet.run(60, idle);
  expect(fleet.told()).toEqual([`firing cpu ${first}`, `resolved cpu ${first}`]);
});

it.each(['a reload', 'a restart'])(
  'what waits for a notifier that %s removes waits no longer, and its alert can be over',
  async (what) => {
    const fleet = alertFleet();
    let one = fleet.start('one');
    await fleet.run(30, idle);
    fleet.receiver.isDown = true;
    await fleet.run(70, hot);
    const outcomes = () =>
      fleet
        .topic()
        .get(`cpu|${first}`)
        ?.notices.map((each) => each.outcomes);
    expect(outcomes()).toEqual([{ ops: 'waiting' }]);
    fleet.receiver.isRemoved = true;
    if (what === 'a reload') {
      one.cluster.reloaded();
    } else {
      one.kill();
      one = fleet.start('one');
    }
    await fleet.run(10, hot);
    expect(outcomes()).toEqual([{ ops: 'dropped' }]);
    await fleet.run(60, idle);
    expect(fleet.told()).toEqual([]);
    expect(count(one.db, 'own_alerts')).toBe(0);
  },
);

it('what was over when it was killed, and not published yet, is not told again by itself', async () => {
  const fleet = alertFleet();
  const one = fleet.start('one');
  await fleet.run(30, idle);
  await fleet.run(70, hot);
  fleet.log.failSends(1_000_000);
  while (fleet.arrived.length < 2) await fleet.run(1, idle);
  one.kill();
  fleet.log.failSends(0);
  expect(fleet.topic().get(`cpu|${first}`)).toMatchObject({ kind: 'firing' });
  fleet.start('one');
  await fleet.run(60, idle);
  expect(fleet.told()).toEqual([`firing cpu ${first}`, `resolved cpu ${first}`]);
  expect(fleet.topic().get(`cpu|${first}`)).toMatchObject({ kind: 'resolved', active: null });
});

it('a server that never sends again is silent at its new owner', async () => {
  const fleet = alertFleet();
  const { owner, other } = await two(fleet);
  await fleet.run(20, { [second]: 1 });
  owner.kill();
  await fleet.run(100, { [second]: 1 });
  expect(fleet.arrived).toMatchObject([
    { status: 'firing', rule: 'silent', server: first, by: other.name },
  ]);
  await fleet.run(30, idle);
  expect(fleet.told()).toEqual([`firing silent ${first}`, `resolved silent ${first}`]);
});

const FLEET_RULE = `
rules:
  - { name: all, about: All are busy., of: fleet, when: cpu_pct.avg > 90, for: 20s, severity: critical }
notifiers:
  ops: { type: command, command: [notify] }
`;

it('the fleet’s alert goes with slot 0', async () => {
  const fleet = alertFleet(FLEET_RULE);
  const { owner, other } = await two(fleet);
  await fleet.run(80, busy);
  expect(fleet.arrived).toMatchObject([{ status: 'firing', rule: 'all', by: owner.name }]);
  expect(fleet.shownBy(other)).toEqual(['firing all ']);
  owner.kill();
  await fleet.run(30, busy);
  expect(fleet.arrived).toHaveLength(1);
  await fleet.run(80, idle);
  expect(fleet.arrived).toMatchObject([
    { status: 'firing' },
    { status: 'resolved', by: other.name },
  ]);
});

it('an alert of the fleet that is over does not begin anew at the next owner of slot 0', async () => {
  const fleet = alertFleet(FLEET_RULE);
  const { owner } = await two(fleet);
  await fleet.run(80, busy);
  while (fleet.arrived.length < 2) await fleet.run(1, idle);
  owner.kill();
  await fleet.run(30, idle);
  expect(fleet.arrived).toMatchObject([{ status: 'firing' }, { status: 'resolved' }]);
});
