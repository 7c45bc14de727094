import { expect, it } from 'vitest';
import { type ResendCause, Resends } from './resends.ts';

const minuteMs = 60_000;
/** The middle of each wait. */
const half = (): number => 0.5;

function waits(resends: Resends, cause: ResendCause, times: number): (number | undefined)[] {
  return Array.from({ length: times }, () => resends.next(cause, half));
}

it('a block for which there is no room waits twice as long each time, up to ten minutes, without end', () => {
  const resends = new Resends();
  expect(waits(resends, 'refused', 4)).toEqual([500, 1_000, 2_000, 4_000]);
  expect(waits(resends, 'refused', 30).slice(-2)).toEqual([5 * minuteMs, 5 * minuteMs]);
});

it('each cause waits by itself, and five failures are enough', () => {
  const resends = new Resends();
  waits(resends, 'refused', 20);
  waits(resends, 'silent', 3);
  expect(waits(resends, 'failed', 6)).toEqual([250, 500, 1_000, 2_000, 4_000, undefined]);
  expect(resends.next('silent', half)).toBe(2_000);
  expect(resends.count).toBe(20 + 4 + 5);
});

it('after each silence an acknowledgment is waited for twice as long, a day at most', () => {
  const resends = new Resends();
  const waited = Array.from({ length: 9 }, () => {
    const minutes = resends.silentMs / minuteMs;
    resends.next('silent', half);
    return minutes;
  });
  expect(waited).toEqual([15, 30, 60, 120, 240, 480, 960, 1_440, 1_440]);
});
