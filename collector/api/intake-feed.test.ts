import { expect, it, onTestFinished, vi } from 'vitest';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { openForWriting } from '../store/database.ts';
import { IntakeFeed } from './intake-feed.ts';

const secondMs = 1_000;
const minuteMs = 60_000;

interface Now {
  readonly hears: boolean;
  readonly failure?: string;
  readonly hearsOthers?: boolean;
}

function rig() {
  const db = openForWriting(temporaryFolder());
  onTestFinished(() => db.close());
  const clock = createManualClock(noonMs);
  const hub = { intake: vi.fn() };
  let failure: string | undefined;
  let hears = true;
  let hearsOthers = true;
  const feed = new IntakeFeed({
    db,
    hub,
    clock,
    failure: () => failure,
    hears: () => hears,
    hearsOthers: () => hearsOthers,
  });
  return {
    feed,
    hub,
    /** What is so from now on, told or not at each second of this time. */
    goesOn: (ms: number, now: Now = { hears: true }) => {
      ({ hears, failure, hearsOthers } = { failure: undefined, hearsOthers: true, ...now });
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

it('tells apart what only other collectors know, and is either of the two at a time', () => {
  const { feed, goesOn } = rig();
  goesOn(minuteMs, { hears: true, hearsOthers: false });
  const why = 'the topic window-results cannot be read';
  const others = { since_ms: noonMs, through_ms: null, why, others: true };
  expect(feed.view().deaf).toEqual([others]);
  goesOn(minuteMs, { hears: false, failure: 'brokers away', hearsOthers: false });
  const over = { ...others, through_ms: noonMs + minuteMs, why: null };
  const all = { since_ms: noonMs + minuteMs, through_ms: null, why: 'brokers away' };
  expect(feed.view().deaf).toEqual([over, all]);
  goesOn(minuteMs, { hears: true, hearsOthers: false });
  goesOn(secondMs);
  const [atMs, endMs] = [noonMs + 2 * minuteMs, noonMs + 3 * minuteMs];
  expect(feed.view().deaf).toEqual([
    over,
    { ...all, through_ms: atMs, why: null },
    { ...over, since_ms: atMs, through_ms: endMs },
  ]);
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

it('tells why nothing is published while all is heard, and that it is over', () => {
  const { feed, hub, goesOn } = rig();
  goesOn(secondMs, { hears: true, failure: 'not allowed' });
  expect(feed.view()).toMatchObject({ deaf: [], unpublished: 'not allowed' });
  goesOn(5 * secondMs, { hears: true, failure: 'not allowed' });
  expect(hub.intake).toHaveBeenCalledOnce();
  goesOn(secondMs, { hears: false, failure: 'brokers away' });
  expect(feed.view()).not.toHaveProperty('unpublished');
  expect(feed.view().deaf).toMatchObject([{ why: 'brokers away' }]);
});
