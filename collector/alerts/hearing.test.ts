import { expect, it } from 'vitest';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { Source } from '../ingest/source.ts';
import { Hearing } from './hearing.ts';

const secondMs = 1_000;

function scene() {
  const clock = createManualClock();
  const now = { hears: true, throughMs: Infinity };
  const hearing = new Hearing({
    clock,
    hears: () => now.hears,
    share: { heardThroughMs: () => now.throughMs },
  });
  const source = new Source({ sourceNo: 1, serverId: 'pc', replayId: '', originMs: 0 });
  const heard = (): void => {
    source.lastSeenMs = clock.wallMs();
    source.lastSeenMonotonicMs = clock.monotonicMs();
  };
  hearing.start();
  heard();
  return {
    clock,
    hearing,
    source,
    now,
    heard,
    pass: (seconds: number): void => {
      for (let i = 0; i < seconds; i += 1) {
        clock.advance(secondMs);
        hearing.tick();
      }
    },
    unheardSeconds: () => hearing.unheardMs(source) / secondMs,
  };
}

it.each([true, false])(
  'nobody is unheard for a time in which nobody could be heard (ours: %s)',
  (isOurs) => {
    const { source, now, heard, pass, unheardSeconds } = scene();
    source.isOurs = isOurs;
    pass(60);
    expect(unheardSeconds()).toBe(60);
    now.hears = false;
    pass(600);
    expect(unheardSeconds()).toBe(0);
    now.hears = true;
    pass(120);
    expect(unheardSeconds()).toBe(120);
    heard();
    pass(7);
    expect(unheardSeconds()).toBe(7);
  },
);

it.each([true, false])('nor for one that is not read yet (ours: %s)', (isOurs) => {
  const { clock, source, now, pass, unheardSeconds } = scene();
  source.isOurs = isOurs;
  now.throughMs = clock.monotonicMs() + 30 * secondMs;
  pass(600);
  expect(unheardSeconds()).toBe(30);
  now.throughMs = clock.monotonicMs();
  expect(unheardSeconds()).toBe(600);
});

it('a program that stood still heard nobody', () => {
  const { clock, pass, unheardSeconds } = scene();
  pass(5);
  expect(unheardSeconds()).toBe(5);
  clock.advance(600 * secondMs);
  pass(1);
  expect(unheardSeconds()).toBe(0);
});
