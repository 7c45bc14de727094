import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { ClockOffset, holdMsMax } from './clock-offset.ts';

it('is the highest of the last minute: a clock set forward shows at once, one set back within it', () => {
  const offset = new ClockOffset();
  expect(offset.note(-8_000, 0)).toBe(-8_000);
  expect(offset.note(-40, 1_000)).toBe(-40);
  expect(offset.note(-9_000, 2_000)).toBe(-40);
  expect(offset.note(20_000, 3_000)).toBe(20_000);
  expect(offset.note(-10, 49_999)).toBe(20_000);
  expect(offset.note(-30, 3_000 + holdMsMax)).toBe(-10);
});

const measured = fc.record({ offsetMs: fc.integer(), afterMs: fc.nat({ max: 30_000 }) });

it('holds each measurement for fifty seconds at least and sixty at most, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(measured, { maxLength: 100 }), (measurements) => {
      const offset = new ClockOffset();
      const made: { atMs: number; offsetMs: number }[] = [];
      let nowMs = 5_000;
      for (const { offsetMs, afterMs } of measurements) {
        nowMs += afterMs;
        made.push({ atMs: nowMs, offsetMs });
        const highestOf = (lastMs: number) =>
          Math.max(...made.filter(({ atMs }) => nowMs - atMs < lastMs).map((one) => one.offsetMs));
        const highest = offset.note(offsetMs, nowMs);
        expect(highest).toBeGreaterThanOrEqual(highestOf(50_000));
        expect(highest).toBeLessThanOrEqual(highestOf(holdMsMax));
      }
    }),
  );
});

describe('what is steady', () => {
  /** One measurement a second, each of these for so many seconds. */
  function steadyAfter(...runs: readonly (readonly [offsetMs: number, seconds: number])[]) {
    const offset = new ClockOffset();
    let nowMs = 0;
    for (const [offsetMs, seconds] of runs) {
      for (let i = 0; i < seconds; i += 1) offset.note(offsetMs, (nowMs += 1_000));
    }
    return offset.steadyMs;
  }

  it('is known after a minute, and not before', () => {
    expect(steadyAfter([600_000, 60])).toBeUndefined();
    expect(steadyAfter([600_000, 61])).toBe(600_000);
  });

  it('shows no jump that lasts for less', () => {
    expect(steadyAfter([10, 120], [600_000, 49])).toBe(10);
    expect(steadyAfter([10, 120], [600_000, 90])).toBe(600_000);
  });

  it('shows within ten seconds that a clock was put right', () => {
    expect(steadyAfter([600_000, 120], [10, 20])).toBe(10);
  });

  it('is not lowered by a batch that was on its way for long, among others that were not', () => {
    expect(steadyAfter([600_000, 120], [560_000, 1], [600_000, 1])).toBe(600_000);
  });

  it('is known of who sends once a minute, too', () => {
    const offset = new ClockOffset();
    for (const atMs of [0, 60_000, 120_000]) offset.note(600_000, atMs);
    expect(offset.steadyMs).toBe(600_000);
  });
});
