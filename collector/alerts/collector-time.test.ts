import { expect, it } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { Source } from '../ingest/source.ts';
import { CollectorTime, repeatedMsMax } from './collector-time.ts';

const hourMs = 3_600_000;

/** A server on whose clock things happen; times are in ms after noon by a clock that is right. */
function fixture() {
  // So the spans are those of the samples themselves.
  const time = new CollectorTime({ windowMs: 0, latenessMs: 0 });
  const source = new Source({ sourceNo: 1, serverId: 'pc', replayId: '', originMs: 0 });
  const span = (fromMs: number, toMs: number) => ({
    startMs: noonMs + fromMs,
    endMs: noonMs + toMs,
  });
  return {
    time,
    source,
    span,
    /** From `fromMs` to `toMs` its clock was off by so much. */
    run: (offMs: number, fromMs: number, toMs: number): void => {
      source.clockOffsetMs = offMs;
      time.of(source, noonMs + fromMs + offMs, noonMs + fromMs);
      time.saw(source, span(fromMs + offMs, toMs + offMs));
    },
    isTwice: (fromMs: number, toMs: number) => time.isGivenOutTwice(source, span(fromMs, toMs)),
  };
}

it('a clock that goes on, is off for good or is set forward gives nothing out twice', () => {
  const { run, isTwice } = fixture();
  run(2_000, 0, 60_000);
  run(-1_000, 60_000, 120_000);
  expect(isTwice(100_000, 130_000)).toBe(false);
  run(hourMs, 120_000, 180_000);
  expect(isTwice(hourMs + 150_000, hourMs + 180_000)).toBe(false);
});

it('one that is set back gives out again what it gave out while it was ahead, and nothing else', () => {
  const { run, isTwice } = fixture();
  run(0, 0, 60_000);
  run(hourMs, 60_000, 180_000);
  run(20, 180_000, 240_000);
  expect(isTwice(210_000, 240_000)).toBe(false);
  expect(isTwice(hourMs + 30_000, hourMs + 60_000)).toBe(false);
  expect(isTwice(hourMs + 30_000, hourMs + 60_001)).toBe(true);
  expect(isTwice(hourMs + 179_999, hourMs + 200_000)).toBe(true);
  expect(isTwice(hourMs + 180_000, hourMs + 210_000)).toBe(false);
});

it('an error of a day is no day of silence', () => {
  const { run, isTwice } = fixture();
  run(24 * hourMs, 0, 48 * hourMs);
  run(0, 48 * hourMs, 48 * hourMs + 60_000);
  const endMs = 48 * hourMs + repeatedMsMax;
  expect(isTwice(endMs - 1_000, endMs + 29_000)).toBe(true);
  expect(isTwice(endMs, endMs + 30_000)).toBe(false);
});

it('what an earlier run saw is bounded too, and forgotten with the source', () => {
  const { time, source, span, isTwice } = fixture();
  time.restore(1, span(-30_000, 24 * hourMs), noonMs);
  expect(isTwice(repeatedMsMax - 1, repeatedMsMax + 1)).toBe(true);
  expect(isTwice(repeatedMsMax, repeatedMsMax + 30_000)).toBe(false);
  time.forget(source.sourceNo);
  expect(isTwice(0, 30_000)).toBe(false);
});

it('a clock that moves again and again is remembered within bounds', () => {
  const { run, isTwice } = fixture();
  for (let i = 0; i < 20; i += 1) run((20 - i) * 6_000, i * 10_000, (i + 1) * 10_000);
  run(0, 200_000, 210_000);
  // The newest of them: 6 s ahead until 200 s.
  expect(isTwice(205_000, 210_000)).toBe(true);
  expect(isTwice(206_000, 210_000)).toBe(false);
});
