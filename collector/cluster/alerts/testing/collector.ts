/** A collector's part in the alerts of all, without log and writer: what it judges and tells. */
import type { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { createKeptLog } from '../../../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../../runtime/testing/temporary-folder.ts';
import type { AlertRecordOnWire } from '../../../../wire/records/alert-record.ts';
import type { NewLogRecord } from '../../../../wire/transport/log/port.ts';
import { AlertEngine } from '../../../alerts/engine.ts';
import { parseAlerts } from '../../../alerts/rules/load.ts';
import { restoreAlerts } from '../../../alerts/store.ts';
import { Registry } from '../../../ingest/registry.ts';
import { openForWriting } from '../../../store/database.ts';
import { Group } from '../../../store/group.ts';
import { SharedAlertStatements } from '../../../store/shared-alerts.ts';
import { shareOf } from '../alerts.ts';
import { SharedAlerts } from '../shared.ts';

const RULES = `
rules:
  - { name: gone, about: Not heard., silent: 60s, severity: warning }
notifiers:
  ops: { type: command, command: [notify] }
`;

/** A collector that has slot 1 with one server, which falls silent; nothing is committed by itself. */
export function collector() {
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
  const topic = { takes: () => Promise.resolve(), tellable: 0 };
  const standing = { isFirm: true };
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
    ownsShare: () => standing.isFirm,
    publish: (records: readonly NewLogRecord[]) => {
      for (const { value } of records) published.push(JSON.parse(String(value)));
    },
    published: () => topic.takes(),
    onTellable: () => void (topic.tellable += 1),
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
  const isHeard = (): void => {
    clock.advance(1_000);
    source.lastSeenMs = clock.wallMs();
    source.lastSeenMonotonicMs = clock.monotonicMs();
    engine.tick();
  };
  return {
    clock,
    db,
    engine,
    group,
    shared,
    standing,
    published,
    topic,
    commit,
    fallSilent,
    isHeard,
  };
}

/** One whose server is silent and told as such, and what was told. */
export function telling() {
  const one = collector();
  one.shared.takeOver(new Set([1]));
  one.fallSilent();
  one.commit();
  const [told] = one.published;
  if (told === undefined) throw new Error('nothing was judged');
  return { ...one, told };
}

/** What the store has. */
export function stored(db: DatabaseSync, fill: (group: Group) => void): void {
  const group = new Group();
  fill(group);
  new SharedAlertStatements(db).write(group);
}
