import { expect, it } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { Source } from '../ingest/source.ts';
import { countConditions, liveFigures } from './figures.ts';

const secondMs = 1_000;

/** Heard 3 minutes ago. @param unheardMs of that somebody could have heard it */
function scene(unheardMs: number) {
  const source = new Source({ sourceNo: 1, serverId: 'pc', replayId: '', originMs: 0 });
  source.lastSeenMs = noonMs - 180 * secondMs;
  const now = { nowMs: noonMs, hearing: { unheardMs: () => unheardMs } };
  const up = () => [...liveFigures([source], now)].map(({ isUp }) => isUp);
  return { source, up, counts: () => countConditions([source], now) };
}

it('who was not heard is silent only where something of it could have been for 2 minutes', () => {
  const silent = scene(121 * secondMs);
  expect(silent.counts()).toMatchObject({ silent: 1, unknown: 0 });
  expect(silent.up()).toEqual([false]);
  const unknown = scene(120 * secondMs);
  expect(unknown.counts()).toMatchObject({ silent: 0, unknown: 1 });
  expect(unknown.up()).toEqual([undefined]);
});

it('who was heard, or said goodbye, is that whatever could be heard', () => {
  const { source, up, counts } = scene(0);
  source.off = true;
  expect(counts()).toMatchObject({ off: 1, unknown: 0 });
  expect(up()).toEqual([false]);
  source.off = false;
  source.lastSeenMs = noonMs;
  expect(counts()).toMatchObject({ up: 1, unknown: 0 });
  expect(up()).toEqual([true]);
});
