import fc from 'fast-check';
import { expect, it } from 'vitest';
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
