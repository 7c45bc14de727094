import { expect, it, onTestFinished, vi } from 'vitest';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { openForWriting } from '../store/database.ts';
import { IntakeFeed } from './intake-feed.ts';

const secondMs = 1_000;
const minuteMs = 60_000;

function rig() {
  const db = openForWriting(temporaryFolder());
  onTestFinished(() => db.close());
  const clock = createManualClock(noonMs);
  const hub = { intake: vi.fn() };
  let failure: string | undefined;
  let hears = true;
  const options = { db, hub, clock, failure: () => failure, hears: () => hears };
  const feed = new IntakeFeed(options);
  return {
    feed,
    hub,
    /** What is so from now on, told or not at each second of this time. */
    goesOn: (ms: number, now: { hears: boolean; failure?: string } = { hears: true }) => {
      ({ hears, failure } = { failure: undefined, ...now });
      for (let leftMs = ms; leftMs > 0; leftMs -= secondMs) {
        feed.tick();
        clock.advance(secondMs);
      }
    },
    reject: (reason: string, topic: string | null = null) => {
      db.prepare('INSERT INTO quarantine VALUES (NULL,?,?,?,?,?)').run(
        clock.wallMs(),
        'kafka t/0@8',
        topic,
        reason,
        'x'.repeat(1_000),
      );
    },
  };
}

it('tells once since when nothing is heard and why, and that it is over', () => {
  const { feed, hub, goesOn } = rig();
  goesOn(10 * secondMs);
  expect(feed.view().deaf).toEqual([]);
  expect(hub.intake).not.toHaveBeenCalled();
  const since_ms = noonMs + 10 * secondMs;
  goesOn(5 * minuteMs, { hears: false, failure: 'brokers away' });
  const deaf = { since_ms, through_ms: null, why: 'brokers away' };
  expect(hub.intake.mock.calls.map(([view]) => view.deaf)).toEqual([[deaf]]);
  // It reads up what has waited.
  goesOn(secondMs, { hears: false });
  expect(feed.view().deaf).toEqual([{ ...deaf, why: null }]);
  goesOn(10 * secondMs);
  const over = { ...deaf, through_ms: since_ms + 5 * minuteMs + secondMs, why: null };
  expect(feed.view().deaf).toEqual([over]);
  expect(hub.intake).toHaveBeenCalledTimes(3);
});

it('remembers several, the newest 20', () => {
  const { feed, goesOn } = rig();
  for (let i = 0; i < 25; i += 1) {
    goesOn(secondMs, { hears: false, failure: `number ${i}` });
    goesOn(minuteMs);
  }
  goesOn(secondMs, { hears: false, failure: 'the last' });
  const { deaf } = feed.view();
  expect(deaf).toHaveLength(20);
  expect(deaf.slice(-2)).toEqual([
    {
      since_ms: noonMs + 24 * 61 * secondMs,
      through_ms: noonMs + (24 * 61 + 1) * secondMs,
      why: null,
    },
    { since_ms: noonMs + 25 * 61 * secondMs, through_ms: null, why: 'the last' },
  ]);
});

it('of what is put aside the newest 20 are shown, and told once in 5 s however fast it comes', () => {
  const { feed, hub, goesOn, reject } = rig();
  reject('not JSON', 'windrow-samples');
  goesOn(secondMs);
  expect(hub.intake).toHaveBeenCalledTimes(1);
  expect(feed.view().quarantine).toEqual({
    kept: 1,
    newest: [
      {
        id: 1,
        at: noonMs,
        from: 'kafka t/0@8',
        topic: 'windrow-samples',
        reason: 'not JSON',
        body: 'x'.repeat(200),
      },
    ],
  });
  for (let i = 0; i < 30; i += 1) {
    reject(`number ${i}`);
    goesOn(secondMs);
  }
  expect(hub.intake.mock.calls.length).toBeGreaterThanOrEqual(6);
  expect(hub.intake.mock.calls.length).toBeLessThanOrEqual(8);
  goesOn(6 * secondMs);
  const { kept, newest } = feed.view().quarantine;
  expect([kept, newest.length, newest[0]?.reason]).toEqual([31, 20, 'number 29']);
  expect(hub.intake.mock.lastCall?.[0].quarantine.newest[0].reason).toBe('number 29');
});
