import { expect, it } from 'vitest';
import { createManualClock, noonMs } from '../../../runtime/testing/manual-clock.ts';
import type { WindowResult } from '../../../wire/records/window-result.ts';
import type { NewLogRecord } from '../../../wire/transport/log/port.ts';
import { Source } from '../../ingest/source.ts';
import { windowRow } from '../../store/testing/rows.ts';
import { Composer } from './composer.ts';

const self = { id: 'one', run: 'run', url: 'http://one:7861' };

function fixture() {
  const clock = createManualClock(noonMs);
  const stored: { newest: WindowResult | undefined } = { newest: undefined };
  const composer = new Composer({ self, clock, newest: () => stored.newest, onMade: () => {} });
  const source = new Source({ sourceNo: 7, serverId: 'pc', replayId: '', originMs: 0 });
  source.lastSeenMs = noonMs;
  /** The window that ends so many slides after noon. */
  const publish = (slides: number, final = true): WindowResult => {
    const endMs = noonMs + slides * 10_000;
    const window = windowRow({ source: 7, startMs: endMs - 30_000, final });
    const closed = { closedThroughMs: final ? endMs : null, firstPaneMs: noonMs };
    return resultOf(composer.window({ source, window, skewed: false, closed }));
  };
  const changes = () => [...composer.changes([source], true)].map(resultOf);
  return { clock, composer, source, stored, publish, changes };
}

function resultOf({ value }: NewLogRecord): WindowResult {
  return JSON.parse(String(value)) as WindowResult;
}

it('closed_through_ms never goes back, whatever window a record is of', () => {
  const { source, stored, publish, changes } = fixture();
  const first = publish(1);
  expect(first.closed_through_ms).toBe(noonMs + 10_000);
  expect(publish(3).closed_through_ms).toBe(noonMs + 30_000);
  expect(publish(5, false).closed_through_ms).toBe(noonMs + 30_000);
  // Of the topic no more than the first has been read back.
  stored.newest = first;
  source.off = true;
  expect(changes()).toMatchObject([
    { start_ms: first.start_ms, state: 'off', closed_through_ms: noonMs + 30_000 },
  ]);
});

it('a state is told once, and again when it is another', () => {
  const { clock, source, stored, publish, changes } = fixture();
  expect(changes()).toEqual([]);
  const newest = publish(1);
  source.off = true;
  // Not read back yet: nothing to tell it with.
  expect(changes()).toEqual([]);
  stored.newest = newest;
  expect(changes()).toMatchObject([{ state: 'off' }]);
  expect(changes()).toEqual([]);
  source.off = false;
  expect(changes()).toMatchObject([{ state: 'up' }]);
  clock.advance(121_000);
  expect(changes()).toMatchObject([{ state: 'silent' }]);
  source.lastSeenMs = clock.wallMs();
  source.clockOffsetMs = 6_000;
  expect(changes()).toMatchObject([{ state: 'up', clock_offset_ms: 6_000 }]);
  // What is another collector's now is that one's to tell.
  source.off = true;
  source.release();
  expect(changes()).toEqual([]);
});

it('a record says whose the server is, and in which slot it comes', () => {
  const { composer, source, stored, publish } = fixture();
  expect(publish(1)).toMatchObject({ owner: { ...self, server_no: 7 }, slot: null });
  source.slots.add(4);
  const newest = publish(2);
  expect(newest.slot).toBe(4);
  // One that is gone from here keeps its slot.
  source.release();
  stored.newest = newest;
  const told = composer.standing(source);
  expect(told === undefined ? undefined : resultOf(told)).toMatchObject({ slot: 4 });
  source.slots.add(4).add(5);
  expect(publish(3).slot).toBeNull();
});
