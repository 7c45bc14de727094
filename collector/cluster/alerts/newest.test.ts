import { expect, it } from 'vitest';
import { noonMs } from '../../../runtime/testing/manual-clock.ts';
import type { AlertRecordOnWire, NoticeOnWire } from '../../../wire/records/alert-record.ts';
import { madeNotice } from '../../alerts/testing/notices.ts';
import { noticeOnWire } from './forms.ts';
import { newerOf } from './newest.ts';

const firing = noticeOnWire(madeNotice(), { ops: 'waiting' });
const resolved: NoticeOnWire = { ...firing, status: 'resolved' };
const of = (id: string, term: number) => ({ id, url: `http://${id}.test`, term });

const active = {
  phase: 'firing' as const,
  last_ms: noonMs,
  clear_since_ms: null,
  about: 'CPU is high.',
  labels: {},
  notify: ['ops'],
};
const former: AlertRecordOnWire = {
  v: 1,
  rule: 'cpu-high',
  server: 'pc-1',
  slot: 2,
  id: firing.id,
  starts_ms: firing.starts_ms,
  kind: 'firing',
  severity: 'critical',
  at_ms: noonMs,
  reason: 'cpu_pct.avg 97.3 for 2m',
  fired_ms: noonMs,
  ended_ms: null,
  processes: null,
  steps: [],
  active,
  notices: [firing],
  released: false,
  owner: of('former', 3),
};
const ended: AlertRecordOnWire = { ...former, kind: 'resolved', active: null };

/** Who has it by now had judged no more when it stood still. */
const behind: AlertRecordOnWire = {
  ...former,
  kind: 'pending',
  at_ms: former.at_ms - 20_000,
  active: { ...active, phase: 'pending' },
  notices: [],
  owner: of('owner', 7),
};

/** Whichever comes first. */
const newest = (one: AlertRecordOnWire, other: AlertRecordOnWire): AlertRecordOnWire => {
  const first = newerOf(one, other);
  expect(newerOf(other, one)).toEqual(first);
  return first;
};

it('what a former owner judged, and nobody told, stands at who replaced it and had judged less', () => {
  expect(newest(behind, former)).toEqual({ ...former, owner: behind.owner });
});

it('what its owner told of it is not lost', () => {
  const owners: AlertRecordOnWire = {
    ...former,
    at_ms: former.at_ms - 1,
    notices: [{ ...firing, outcomes: { ops: 'sent' } }],
    owner: behind.owner,
  };
  expect(newest(owners, { ...ended, notices: [firing, resolved] })).toMatchObject({
    kind: 'resolved',
    owner: behind.owner,
    notices: [
      { status: 'firing', outcomes: { ops: 'sent' } },
      { status: 'resolved', outcomes: { ops: 'waiting' } },
    ],
  });
});

it.each([
  { what: 'was told', owners: behind, formers: { notices: [] } },
  { what: 'was another alert', owners: behind, formers: { id: 'other' } },
  { what: 'was judged no further', owners: { ...behind, at_ms: former.at_ms }, formers: {} },
  { what: 'is over by now', owners: { ...behind, active: null }, formers: {} },
])('what $what is as its owner says', ({ owners, formers }) => {
  expect(newest(owners, { ...former, ...formers })).toBe(owners);
});

it('of one collector the last word counts', () => {
  const again = { ...behind, owner: former.owner };
  expect(newerOf(former, again)).toBe(again);
});
