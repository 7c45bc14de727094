import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { backlogMin, CatchUp } from './catch-up.ts';

/** A backlog that drains steadily, told every `everyMs`. */
function drained(from: number, perSecond: number, { forMs, everyMs = 500 }: Told): CatchUp {
  const catchUp = new CatchUp();
  for (let atMs = 0; atMs <= forMs; atMs += everyMs) {
    catchUp.note(from - (perSecond * atMs) / 1_000, atMs);
  }
  return catchUp;
}

interface Told {
  readonly forMs: number;
  readonly everyMs?: number;
}

it('the time left is what waits over the rate at which it drains', () => {
  expect(drained(13_300, 100, { forMs: 10_000 }).at(10_000)).toEqual({
    waiting: 12_300,
    leftMs: 123_000,
  });
});

it('whatever the pace of the batches, a steady drain gives the exact time left', () => {
  const pace = fc.record({
    perSecond: fc.integer({ min: 1, max: 600 }),
    everyMs: fc.integer({ min: 20, max: 2_000 }),
  });
  fc.assert(
    fc.property(pace, ({ perSecond, everyMs }) => {
      const forMs = 20 * everyMs + 4_000;
      const catchUp = drained(1_000_000, perSecond, { forMs, everyMs });
      const lastMs = Math.floor(forMs / everyMs) * everyMs;
      const { waiting = 0, leftMs = 0 } = catchUp.at(lastMs) ?? {};
      expect((leftMs ?? 0) / ((waiting / perSecond) * 1_000)).toBeCloseTo(1, 6);
    }),
  );
});

it('no time is told before the rate is known, nor while the backlog does not get less', () => {
  expect(drained(10_000, 100, { forMs: 1_500 }).at(1_500)?.leftMs).toBeNull();
  expect(drained(10_000, -5, { forMs: 10_000 }).at(10_000)).toMatchObject({ leftMs: null });
  expect(drained(10_000, 0, { forMs: 10_000 }).at(10_000)).toMatchObject({ leftMs: null });
});

it('the rate is that of the last ten seconds: a slow start is forgotten', () => {
  const catchUp = drained(20_000, 1, { forMs: 60_000 });
  for (let ms = 500; ms <= 11_000; ms += 500) catchUp.note(19_940 - ms / 5, 60_000 + ms);
  expect(catchUp.at(71_000)?.leftMs).toBeCloseTo((19_940 - 2_200) * 5, 6);
});

it('what is on its way at any time is no backlog, and the end of one is told once', () => {
  const catchUp = new CatchUp();
  expect(catchUp.note(backlogMin - 1, 0)).toBe(false);
  expect(catchUp.at(0)).toBeNull();
  expect(catchUp.note(backlogMin, 1)).toBe(true);
  expect(catchUp.note(0, 2)).toBe(true);
  expect(catchUp.at(2)).toBeNull();
  expect(catchUp.note(0, 3)).toBe(false);
});

it('a sender that says nothing more catches up no longer', () => {
  const catchUp = drained(13_300, 100, { forMs: 10_000 });
  expect(catchUp.at(25_000)).not.toBeNull();
  expect(catchUp.at(25_001)).toBeNull();
});

it('a sender that tells it a thousand times a second gets the same answer', () => {
  const catchUp = drained(100_000, 100, { forMs: 10_000, everyMs: 1 });
  expect(catchUp.at(10_000)?.waiting).toBe(99_000);
  expect(catchUp.at(10_000)?.leftMs).toBeCloseTo(990_000, 3);
});
