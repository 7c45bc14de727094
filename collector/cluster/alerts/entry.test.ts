import { expect, it } from 'vitest';
import { noonMs } from '../../../runtime/testing/manual-clock.ts';
import { alertNoticesMax, alertRecordBytesMax } from '../../../wire/limits.ts';
import { decodeAlert } from '../../../wire/records/alert-record.ts';
import type { Transition, TransitionKind } from '../../alerts/alert.ts';
import { alertId } from '../../alerts/identity.ts';
import { madeNotice, resolveOf } from '../../alerts/testing/notices.ts';
import {
  isOpen,
  outcomeOf,
  toldOf,
  withNotice,
  withOutcome,
  withOutcomesOf,
  withoutNotifiers,
  withState,
  withStep,
} from './entry.ts';
import { type Entry, keyOf, onWire } from './forms.ts';

const [rule, server] = ['cpu-high', 'pc-1'];
const owner = { id: 'one', url: 'http://one:7861', term: 1 };

/** The nth breach of the rule. */
function stepOf(kind: TransitionKind, breach = 0): Transition {
  const startsAtMs = noonMs + breach * 600_000;
  return {
    id: alertId(rule, server, startsAtMs),
    rule,
    server,
    kind,
    severity: 'critical',
    atMs: startsAtMs + 120_000,
    startsAtMs,
    reason: 'cpu_pct.avg 97.3 for 2m',
    window: null,
    processes: null,
  };
}

const firingOf = (breach: number) => madeNotice({ startsAtMs: noonMs + breach * 600_000 });

function fired(breach: number, before?: Entry): Entry {
  const entry = withState(withStep(before, 2, stepOf('firing', breach)), {
    rule,
    server,
    state: {
      phase: 'firing',
      startsAtMs: noonMs,
      firedAtMs: noonMs,
      lastMs: noonMs,
      clearSinceMs: null,
    },
    reason: '',
    severity: 'critical',
    about: 'CPU is high.',
    labels: {},
    notify: ['ops'],
    processes: null,
  });
  return withNotice(entry, 'ops', firingOf(breach));
}

function over(entry: Entry, breach: number): Entry {
  return withNotice(
    withState(withStep(entry, 2, stepOf('resolved', breach)), null),
    'ops',
    resolveOf(firingOf(breach)),
  );
}

const sent = (entry: Entry, notice: ReturnType<typeof madeNotice>): Entry =>
  withOutcome(entry, { notifier: 'ops', notice, outcome: 'sent' });

it('what waits of an alert that is over stays when the next begins, with what its receiver knows', () => {
  const first = over(sent(fired(0), firingOf(0)), 0);
  const second = fired(1, first);
  expect(second.notices.map(({ id, status }) => `${id} ${status}`)).toEqual([
    `${firingOf(0).id} firing`,
    `${firingOf(0).id} resolved`,
    `${firingOf(1).id} firing`,
  ]);
  expect([...toldOf(second)].map(({ notice }) => notice.id)).toEqual([firingOf(0).id]);
  const third = fired(2, sent(over(sent(second, firingOf(1)), 1), resolveOf(firingOf(1))));
  expect(third.notices).toHaveLength(3);
});

it('an entry is open until all of it is told', () => {
  const resolved = over(sent(fired(0), firingOf(0)), 0);
  expect(isOpen(fired(0))).toBe(true);
  expect(isOpen(resolved)).toBe(true);
  expect(isOpen(sent(resolved, resolveOf(firingOf(0))))).toBe(false);
});

it('while a receiver is away for a hundred flaps, what it must hear of the newest stays', () => {
  let entry = sent(fired(0), firingOf(0));
  for (let breach = 1; breach < 80; breach += 1) entry = fired(breach, over(entry, breach - 1));
  expect(entry.notices).toHaveLength(alertNoticesMax);
  expect(outcomeOf(entry, 'ops', firingOf(79))).toBe('waiting');
  const value = Buffer.from(onWire(entry, owner, false));
  expect(decodeAlert({ key: Buffer.from(keyOf(entry)), value })).toMatchObject({ kind: 'alert' });
});

it('a record never grows beyond what the others read', () => {
  let entry = fired(0);
  for (let breach = 1; breach < 60; breach += 1) {
    const labels = Object.fromEntries(
      Array.from({ length: 16 }, (_, i) => [`l${i}`, 'ä'.repeat(4_000)]),
    );
    entry = withNotice(entry, 'ops', { ...firingOf(breach), labels });
  }
  const value = onWire(entry, owner, false);
  expect(Buffer.byteLength(value)).toBeLessThanOrEqual(alertRecordBytesMax);
  expect(value).toContain(firingOf(59).id);
});

it('of what a replaced collector says, only what became of notices that wait is taken over', () => {
  const ours = withNotice(fired(0), 'night', firingOf(0));
  const theirs = withOutcome(sent(ours, firingOf(0)), {
    notifier: 'night',
    notice: firingOf(0),
    outcome: 'waiting',
  });
  const merged = withOutcomesOf(ours, theirs.notices);
  expect(outcomeOf(merged, 'ops', firingOf(0))).toBe('sent');
  expect(outcomeOf(merged, 'night', firingOf(0))).toBe('waiting');
  expect(withOutcomesOf(merged, ours.notices)).toEqual(merged);
});

it('what waits for a notifier that is not there is dropped, and nothing else', () => {
  const entry = withNotice(fired(0), 'night', firingOf(0));
  const kept = withoutNotifiers(entry, (name) => name === 'ops');
  expect(outcomeOf(kept, 'ops', firingOf(0))).toBe('waiting');
  expect(outcomeOf(kept, 'night', firingOf(0))).toBe('dropped');
});
