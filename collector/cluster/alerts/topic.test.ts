import { expect, it, onTestFinished } from 'vitest';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { type AlertRecordOnWire, alertKeyText } from '../../../wire/records/alert-record.ts';
import { openForWriting } from '../../store/database.ts';
import { Group } from '../../store/group.ts';
import { telling } from './testing/collector.ts';
import { AlertTopic } from './topic.ts';

it.each(['before', 'after'])(
  'what one judged that had been replaced, and nobody told, stands in the store, read %s its owner',
  (when) => {
    const { told } = telling();
    const db = openForWriting(temporaryFolder());
    onTestFinished(() => db.close());
    const group = new Group();
    const changes: string[] = [];
    const topic = new AlertTopic({
      db,
      group: () => group,
      clock: createManualClock(),
      member: 'three',
      shared: { heard: () => false },
      onChange: ({ kind }) => void changes.push(kind),
      reject: (_, { reason }) => expect.unreachable(reason),
    });
    const owners: AlertRecordOnWire = {
      ...told,
      kind: 'pending',
      at_ms: told.at_ms - 20_000,
      active: told.active && { ...told.active, phase: 'pending' },
      notices: [],
      owner: { ...told.owner, id: 'two', term: told.owner.term + 1 },
    };
    const key = alertKeyText(told);
    const records = when === 'before' ? [told, owners] : [owners, told];
    topic.take(
      records.map((record, offset) => ({
        topic: 'alerts',
        topicId: '',
        partition: 0,
        offset,
        key: Buffer.from(key),
        value: Buffer.from(JSON.stringify(record)),
        headers: new Map(),
        timeMs: 0,
      })),
    );
    expect(group.sharedAlerts.get(key)?.record).toEqual({ ...told, owner: owners.owner });
    expect(changes.at(-1)).toBe('firing');
  },
);
