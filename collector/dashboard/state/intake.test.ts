import { expect, test } from 'vitest';
import type { IntakeView } from '../../api/contract.ts';
import { IntakeState } from './intake.ts';

const now = 1_000_000;

function viewOf(over: Partial<IntakeView> = {}): IntakeView {
  return { now, deaf: [], quarantine: { kept: 0, newest: [] }, ...over };
}

test('what was told later stands, whichever way it came', () => {
  const intake = new IntakeState();
  intake.load(viewOf({ quarantine: { kept: 2, newest: [] } }));
  intake.load(viewOf({ now: now - 1, quarantine: { kept: 1, newest: [] } }));
  expect(intake.quarantine.kept).toBe(2);
});

test('people are told after 5 s, with a reason, and while it lasts', () => {
  const intake = new IntakeState();
  const deaf = { since_ms: now, through_ms: null, why: 'brokers away' };
  intake.load(viewOf({ deaf: [deaf] }));
  expect(intake.trouble(now + 4_999)).toBeUndefined();
  expect(intake.trouble(now + 5_000)).toEqual({
    sinceMs: now,
    why: 'brokers away',
    isOfOthers: false,
  });
  intake.load(viewOf({ deaf: [{ ...deaf, others: true }] }));
  expect(intake.trouble(now + 5_000)).toMatchObject({ isOfOthers: true });
  intake.load(viewOf({ deaf: [deaf, { ...deaf, why: null }] }));
  expect(intake.trouble(now + 5_000)).toBeUndefined();
});

test('why nothing is published stands until a later report says nothing of it', () => {
  const intake = new IntakeState();
  intake.load(viewOf({ unpublished: 'not allowed' }));
  expect(intake.unpublished).toBe('not allowed');
  expect(intake.trouble(now + 60_000)).toBeUndefined();
  intake.load(viewOf({}));
  expect(intake.unpublished).toBeUndefined();
});
