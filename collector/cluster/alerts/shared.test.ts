import { expect, it, onTestFinished } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import type { AlertRecordOnWire } from '../../../wire/records/alert-record.ts';
import type { NewLogRecord } from '../../../wire/transport/log/port.ts';
import type { AlertNotice } from '../../alerts/alert.ts';
import { AlertEngine } from '../../alerts/engine.ts';
import { parseAlerts } from '../../alerts/rules/load.ts';
import { restoreAlerts } from '../../alerts/store.ts';
import { Registry } from '../../ingest/registry.ts';
import { openForWriting } from '../../store/database.ts';
import { Group } from '../../store/group.ts';
import { shareOf } from './alerts.ts';
import { SharedAlerts } from './shared.ts';

const RULES = `
rules:
  - { name: gone, about: Not heard., silent: 60s, severity: warning }
notifiers:
  ops: { type: command, command: [notify] }
`;

/** A collector that has slot 1 with one server, which falls silent; nothing is committed by itself. */
function collector() {
  const clock = createManualClock();
  const db = openForWriting(temporaryFolder());
  onTestFinished(() => db.close());
  const registry = new Registry();
  const source = registry.create({ serverId: 'pc', replayId: '', originMs: 0 });
  source.lastSlot = 1;
  source.lastSeenMs = clock.wallMs();
  source.lastSeenMonotonicMs = clock.monotonicMs();
  const group = new Group();
  const slots = new Set<number>();
  const engine = new AlertEngine(
    {
      clock,
      group: () => group,
      sources: () => registry.all(),
      onChange: () => {},
      hears: () => true,
      isOwnClockOff: () => false,
      share: shareOf(slots, { slotMs: () => Infinity, othersMs: () => Infinity }),
      windowMs: 30_000,
      latenessMs: 5_000,
    },
    restoreAlerts(db, clock.wallMs()),
  );
  engine.start(parseAlerts(RULES, 'alerts.yaml').rules);
  const published: AlertRecordOnWire[] = [];
  const shared = new SharedAlerts({
    self: { id: 'one', url: 'http://one.test' },
    engine,
    registry,
    db,
    slots,
    clock,
    log: createKeptLog().log,
    group: () => group,
    timeoutsMs: () => new Map([['ops', 1_000]]),
    publish: (records: readonly NewLogRecord[]) => {
      for (const { value } of records) published.push(JSON.parse(String(value)));
    },
  });
  const commit = (): void => {
    engine.checkpoint(group);
    shared.inCommit(group);
    shared.committed();
  };
  const fallSilent = (): void => {
    for (let second = 0; second < 90; second += 1) {
      clock.advance(1_000);
      engine.tick();
    }
  };
  return { engine, group, shared, published, commit, fallSilent };
}

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

it('what may be another’s by now is told by nobody here, until the slot is ours again', () => {
  const { group, shared, commit, fallSilent } = collector();
  shared.takeOver(new Set([1]));
  fallSilent();
  const notice = JSON.parse(group.notices[0]?.body ?? '') as AlertNotice;
  commit();
  expect(shared.mayTell('ops', notice)).toBe('now');
  shared.parted();
  expect(shared.mayTell('ops', notice)).toBe('later');
  expect(shared.isOurs(notice)).toBe('later');
  shared.takeOver(new Set([1]));
  expect(shared.mayTell('ops', notice)).toBe('now');
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
