import { expect, it } from 'vitest';
import type { AlertRecordOnWire } from '../../../wire/records/alert-record.ts';
import type { AlertNotice } from '../../alerts/alert.ts';
import { collector, stored, telling } from './testing/collector.ts';
import { slowly } from './testing/slowly.ts';

it('what was judged last when its slot leaves, and not committed yet, goes along and is not told here', () => {
  const { engine, group, shared, published, commit, fallSilent } = collector();
  shared.takeOver(new Set([1]));
  fallSilent();
  const [item] = group.notices;
  if (item === undefined) throw new Error('nothing is to be told');
  const notice = JSON.parse(item.body) as AlertNotice;
  shared.release(new Set([1]));
  expect([...engine.active()]).toEqual([]);
  expect(shared.mayTell('ops', notice)).toBe('never');
  const told = published.at(-1);
  expect(told).toMatchObject({ kind: 'firing', server: 'pc', slot: 1, released: true });
  expect(told?.active?.phase).toBe('firing');
  expect(told?.notices).toMatchObject([{ status: 'firing', outcomes: { ops: 'waiting' } }]);
  const before = published.length;
  commit();
  expect(published).toHaveLength(before);
  expect(shared.mayTell('ops', notice)).toBe('never');
  expect([...group.ownAlerts.values()]).toMatchObject([{ rule: 'gone', body: null }]);
  expect([...group.alertStates.values()]).toMatchObject([{ rule: 'gone', body: null }]);
});

it('what may be another’s by now is told by nobody here, until the slot is ours again', async () => {
  const { group, shared, commit, fallSilent } = collector();
  shared.takeOver(new Set([1]));
  fallSilent();
  const notice = JSON.parse(group.notices[0]?.body ?? '') as AlertNotice;
  commit();
  await Promise.resolve();
  expect(shared.mayTell('ops', notice)).toBe('now');
  shared.parted();
  expect(shared.mayTell('ops', notice)).toBe('later');
  expect(shared.isOurs(notice)).toBe('later');
  shared.takeOver(new Set([1]));
  expect(shared.mayTell('ops', notice)).toBe('now');
});

it('whoever stood still for so long that others may have it tells nothing, before the group says a word', async () => {
  const { group, shared, standing, commit, fallSilent } = collector();
  shared.takeOver(new Set([1]));
  fallSilent();
  const notice = JSON.parse(group.notices[0]?.body ?? '') as AlertNotice;
  commit();
  await Promise.resolve();
  standing.isFirm = false;
  expect(shared.mayTell('ops', notice)).toBe('later');
  expect(shared.isOurs(notice)).toBe('later');
  standing.isFirm = true;
  expect(shared.mayTell('ops', notice)).toBe('now');
  expect(shared.isOurs(notice)).toBe('now');
});

it('a notice waits until the topic has it, and whoever delivers hears when it does', async () => {
  const { group, shared, published, topic, commit, fallSilent } = collector();
  shared.takeOver(new Set([1]));
  fallSilent();
  const notice = JSON.parse(group.notices[0]?.body ?? '') as AlertNotice;
  const taken = Promise.withResolvers<void>();
  topic.takes = () => taken.promise;
  commit();
  expect(published).toMatchObject([{ id: notice.id }]);
  await Promise.resolve();
  expect(shared.mayTell('ops', notice)).toBe('later');
  expect(topic.tellable).toBe(0);
  taken.resolve();
  await taken.promise;
  expect(shared.mayTell('ops', notice)).toBe('now');
  expect(topic.tellable).toBe(1);
});

it('what a former owner says it told is not told when the same is judged here after that', () => {
  const former = collector();
  former.shared.takeOver(new Set([1]));
  former.fallSilent();
  former.commit();
  const [judged] = former.published;
  const [firing] = judged?.notices ?? [];
  if (judged === undefined || firing === undefined) throw new Error('nothing was judged');
  const { group, shared, published, commit, fallSilent } = collector();
  shared.takeOver(new Set([1]));
  const notices: (typeof judged)['notices'] = [{ ...firing, outcomes: { ops: 'sent' } }];
  const word = { ...judged, notices, owner: { ...judged.owner, id: 'two', term: 0 } };
  // All of it is over there: nothing is taken over.
  shared.heard({ ...word, kind: 'resolved', active: null });
  // It speaks of the next alert by now, of which the receiver knows nothing.
  shared.heard({ ...word, id: 'next', kind: 'pending', active: null, notices: [] });
  fallSilent();
  commit();
  expect(published).toMatchObject([
    { id: judged.id, owner: { id: 'one' }, notices: [{ outcomes: { ops: 'sent' } }] },
  ]);
  const notice = JSON.parse(group.notices[0]?.body ?? '') as AlertNotice;
  expect(notice.id).toBe(judged.id);
  expect(shared.mayTell('ops', notice)).toBe('never');
  // Its end is for a receiver that knows it.
  expect(group.told).toMatchObject([{ notifier: 'ops', held: false, notice: { id: judged.id } }]);
});

it('what is taken over at one time may be told from one instant on, however long that takes', () => {
  const { told } = telling();
  const { clock, db, group, shared, commit } = collector();
  const servers = ['pc-1', 'pc-2', 'pc-3'];
  const owner = { ...told.owner, id: 'two' };
  stored(db, ({ sharedAlerts }) => {
    for (const [slot, server] of servers.entries()) {
      sharedAlerts.set(server, { ...told, server, record: { ...told, server, slot, owner } });
    }
  });
  slowly(clock, () => shared.takeOver(new Set(servers.keys())));
  commit();
  const notices = group.notices.map(({ body }) => JSON.parse(body) as AlertNotice);
  expect(notices.map(({ server }) => server).sort()).toEqual(servers);
  const verdicts = () => new Set(notices.map((notice) => shared.mayTell('ops', notice)));
  expect([...verdicts()]).toEqual(['later']);
  for (let ms = 0; ms < 10_000 && !verdicts().has('now'); ms += 1) clock.advance(1);
  expect([...verdicts()]).toEqual(['now']);
});

it('a slot that is not ours has no alerts of ours, whatever waits for the commit', () => {
  const { group, shared, published, commit } = collector();
  shared.takeOver(new Set([2]));
  group.alertTransitions.push({
    id: 'a',
    rule: 'gone',
    server: 'pc',
    kind: 'firing',
    severity: 'warning',
    atMs: 1,
    startsAtMs: 1,
    reason: '',
    window: null,
    processes: null,
  });
  commit();
  expect(published).toEqual([]);
  expect(group.ownAlerts.size).toBe(0);
});

it.each([
  { by: 'another, later', id: 'two', more: 1, taken: [] },
  { by: 'itself when it went', id: 'one', more: 0, taken: [] },
  { by: 'another, before', id: 'two', more: -1, taken: [{ owner: { id: 'one' }, slot: 1 }] },
])('after a kill an alert told in another slot by $by is taken back or not', (now) => {
  const { told } = telling();
  const { db, group, shared, published, commit } = collector();
  const { rule, server } = told;
  const owner = { ...told.owner, id: now.id, term: told.owner.term + now.more };
  stored(db, ({ ownAlerts, sharedAlerts }) => {
    ownAlerts.set('x', { rule, server, body: JSON.stringify(told) });
    sharedAlerts.set('x', { rule, server, record: { ...told, slot: 5, owner } });
  });
  shared.takeOver(new Set([1]));
  commit();
  expect(published).toMatchObject(now.taken);
  expect(published).toHaveLength(now.taken.length);
  expect([...group.ownAlerts.values()].map(({ body }) => body === null)).toEqual([
    now.taken.length === 0,
  ]);
});

it('after a kill an alert is over that another ended which took its slot in the same millisecond', () => {
  const { told } = telling();
  const { db, group, shared, published, commit } = collector();
  const { rule, server } = told;
  const owner = { ...told.owner, id: 'two' };
  const over: AlertRecordOnWire = { ...told, kind: 'resolved', active: null, notices: [], owner };
  stored(db, ({ ownAlerts, sharedAlerts }) => {
    ownAlerts.set('x', { rule, server, body: JSON.stringify(told) });
    sharedAlerts.set('x', { rule, server, record: over });
  });
  shared.takeOver(new Set([1]));
  commit();
  expect(published).toEqual([]);
  expect([...group.ownAlerts.values()]).toMatchObject([{ rule, server, body: null }]);
});

it('what is over is not opened by a late word though its end is not committed yet', () => {
  const { told } = telling();
  const { clock, group, shared, published, commit } = collector();
  shared.takeOver(new Set([1]));
  clock.advance(1_000);
  const owner = { ...told.owner, id: 'two', term: told.owner.term + 1 };
  const over: AlertRecordOnWire = {
    ...told,
    kind: 'resolved',
    active: null,
    notices: [],
    owner,
  };
  group.sharedAlerts.set(`${told.rule}|${told.server}`, { ...told, record: over });
  shared.heard({ ...told, owner: { ...owner, term: 1 } });
  commit();
  expect(published.map(({ kind }) => kind)).toEqual(['resolved']);
});

it('alerts of a server that came go on once the store can be read', () => {
  const { told } = telling();
  const { db, shared, published, commit } = collector();
  const { rule, server } = told;
  const record = { ...told, slot: 5, owner: { ...told.owner, id: 'two' } };
  stored(db, ({ sharedAlerts }) => sharedAlerts.set('x', { rule, server, record }));
  shared.takeOver(new Set([1]));
  db.exec('ALTER TABLE shared_alerts RENAME TO away');
  shared.came(server, 1);
  shared.tick();
  db.exec('ALTER TABLE away RENAME TO shared_alerts');
  commit();
  expect(published).toEqual([]);
  shared.tick();
  commit();
  expect(published).toMatchObject([{ id: told.id, slot: 1, owner: { id: 'one' } }]);
});
