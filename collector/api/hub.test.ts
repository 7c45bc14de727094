import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createManualClock, type ManualClock } from '../../runtime/testing/manual-clock.ts';
import type { ServerSummary } from './contract.ts';
import { clientsMax, Hub } from './hub.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function fixture(): { hub: Hub; clock: ManualClock } {
  const clock = createManualClock();
  const hub = new Hub(clock);
  onTestFinished(() => hub.close());
  return { hub, clock };
}

interface SeenEvent {
  readonly id: string | undefined;
  readonly name: string;
  readonly data: unknown;
}

interface Page {
  readonly attached: boolean;
  readonly stream: PassThrough;
  /** What a browser would have seen by now. */
  events(): SeenEvent[];
  text(): string;
}

/** Opens a page; `reads` false is one whose network stands still. */
function open(
  hub: Hub,
  {
    server,
    lastEventId,
    reads = true,
  }: { server?: number; lastEventId?: string; reads?: boolean } = {},
): Page {
  const stream = new PassThrough({ highWaterMark: 1 });
  let text = '';
  if (reads) stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  // A PassThrough has all of a response that the hub uses.
  const response = stream as unknown as ServerResponse;
  const attached = hub.attach(response, { serverNo: server, lastEventId });
  const events = (): SeenEvent[] =>
    text
      .split('\n\n')
      .map((block) => Object.fromEntries(block.split('\n').map((line) => split(line))))
      .filter((fields) => 'event' in fields)
      .map(({ id, event = '', data = 'null' }) => ({ id, name: event, data: JSON.parse(data) }));
  return { attached, stream, events, text: () => text };
}

function split(line: string): [string, string] {
  const at = line.indexOf(': ');
  return [line.slice(0, at), line.slice(at + 2)];
}

function names(page: Page): string[] {
  return page.events().map(({ name }) => name);
}

const summary: ServerSummary = {
  id: 1,
  server_id: 'pc',
  state: 'up',
  skewed: false,
  clock_offset_ms: null,
  conflict: false,
  lost: 0,
  catch_up: null,
  replayed: false,
  owner: null,
  last_seen_ms: 0,
  ts: 0,
  values: [],
};

/** Lets the streams hand over what was written. */
async function settle(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

it('samples of 200 ms come as one event, not one each', async () => {
  const { hub } = fixture();
  const page = open(hub);
  hub.sample(1, 1_000, [5]);
  hub.sample(2, 1_000, [Number.NaN]);
  await settle(199);
  expect(names(page)).toEqual([]);
  await settle(1);
  expect(page.events()).toMatchObject([
    {
      name: 'samples',
      data: [
        [1, 1_000, 5],
        [2, 1_000, null],
      ],
    },
  ]);
});

it('a page that comes back gets exactly what it missed, in order', async () => {
  const { hub } = fixture();
  const first = open(hub);
  hub.notice('one', 1);
  hub.notice('two', 2);
  await settle();
  const lastEventId = first.events()[0]?.id ?? '';
  first.stream.destroy();
  await settle();
  hub.notice('three', 3);
  const again = open(hub, { lastEventId });
  hub.notice('four', 4);
  await settle();
  expect(again.events().map(({ data }) => data)).toEqual([
    { ts: 2, text: 'two' },
    { ts: 3, text: 'three' },
    { ts: 4, text: 'four' },
  ]);
});

it('a page that missed nothing is told nothing', async () => {
  const { hub } = fixture();
  const first = open(hub);
  hub.notice('one', 1);
  await settle();
  const again = open(hub, { lastEventId: first.events()[0]?.id ?? '' });
  await settle();
  expect(again.events()).toEqual([]);
});

it.each(['', 'nonsense', '12345678-1', 'x-NaN', '12345678-99999999999'])(
  'an id that is not of this run (%j) makes the page load anew instead of missing events',
  async (lastEventId) => {
    const { hub } = fixture();
    open(hub);
    hub.notice('one', 1);
    const page = open(hub, { lastEventId });
    await settle();
    expect(names(page)).toEqual(['reset']);
  },
);

it('after a reset the page resumes from there: one outage costs one reload', async () => {
  const { hub } = fixture();
  open(hub);
  hub.notice('one', 1);
  const reset = open(hub, { lastEventId: 'other-7' });
  await settle();
  const again = open(hub, { lastEventId: reset.events()[0]?.id ?? '' });
  hub.notice('two', 2);
  await settle();
  expect(names(again)).toEqual(['notice']);
});

it('events are kept by number within a bound; who was away longer loads anew', async () => {
  const { hub } = fixture();
  const first = open(hub);
  hub.notice('first', 0);
  await settle();
  const lastEventId = first.events()[0]?.id ?? '';
  for (let i = 1; i <= 600; i += 1) hub.notice('more', i);
  const inTime = open(hub, { lastEventId });
  await settle();
  expect(names(inTime).length).toBe(600);
  hub.notice('one more', 601);
  const tooLate = open(hub, { lastEventId });
  await settle();
  expect(names(tooLate)).toEqual(['reset']);
});

it('events are kept by size within a bound too', async () => {
  const { hub } = fixture();
  const first = open(hub);
  hub.notice('first', 0);
  await settle();
  for (let i = 1; i <= 20; i += 1) hub.notice('x'.repeat(512 * 1024), i);
  await settle();
  const page = open(hub, { lastEventId: first.events()[0]?.id ?? '' });
  await settle();
  expect(names(page)).toEqual(['reset']);
});

it('catching up on all that is kept does not cut a slow page off', async () => {
  const { hub } = fixture();
  const first = open(hub);
  hub.notice('first', 0);
  await settle();
  for (let i = 1; i <= 500; i += 1) hub.notice('x'.repeat(20_000), i);
  const kept = open(hub, { lastEventId: first.events()[0]?.id ?? '', reads: false });
  const reset = open(hub, { lastEventId: 'other-1', reads: false });
  expect([kept.stream.destroyed, reset.stream.destroyed]).toEqual([false, false]);
});

it('a flood of samples makes pages load anew, once in five seconds, and does not go out row by row', async () => {
  const { hub, clock } = fixture();
  const page = open(hub);
  const flood = async (): Promise<void> => {
    for (let i = 0; i < 2_001; i += 1) hub.sample(1, i, [i]);
    clock.advance(200);
    await settle(200);
  };
  for (let i = 0; i < 10; i += 1) await flood();
  expect(names(page)).toEqual(['reset']);
});

it('the reset that a flood owes comes even when nothing follows the flood', async () => {
  const { hub, clock } = fixture();
  const page = open(hub);
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 2_001; i += 1) hub.sample(1, i, [i]);
    clock.advance(200);
    await settle(200);
  }
  expect(names(page)).toEqual(['reset']);
  clock.advance(5_000);
  await settle(5_000);
  expect(names(page)).toEqual(['reset', 'reset']);
});

it('with no page open for two minutes nothing is kept, and a page from before then loads anew', async () => {
  const { hub, clock } = fixture();
  const first = open(hub);
  hub.sample(1, 1, [1]);
  await settle(200);
  const lastEventId = first.events()[0]?.id ?? '';
  first.stream.destroy();
  await settle();
  clock.advance(2 * 60_000);
  // Nothing but samples comes while nobody looks: they are not numbered, but they were missed.
  hub.sample(1, 2, [2]);
  await settle(200);
  const again = open(hub, { lastEventId });
  await settle();
  expect(names(again)).toEqual(['reset']);
});

it('a reload within two minutes misses nothing', async () => {
  const { hub, clock } = fixture();
  const first = open(hub);
  hub.sample(1, 1, [1]);
  await settle(200);
  const lastEventId = first.events()[0]?.id ?? '';
  first.stream.destroy();
  await settle();
  clock.advance(119_000);
  hub.sample(1, 2, [2]);
  await settle(200);
  const again = open(hub, { lastEventId });
  await settle();
  expect(again.events().map(({ data }) => data)).toEqual([[[1, 2, 2]]]);
});

it('a page that does not read is cut off, and costs a bounded amount of memory; others go on', async () => {
  const { hub } = fixture();
  const stuck = open(hub, { reads: false });
  const good = open(hub);
  for (let i = 0; i < 20; i += 1) {
    hub.notice('x'.repeat(512 * 1024), i);
    await settle();
  }
  expect(stuck.stream.destroyed).toBe(true);
  expect(stuck.stream.writableLength).toBeLessThan(6 * 2 ** 20);
  expect(names(good).length).toBe(20);
  expect(hub.clients).toBe(1);
});

it('more pages than the limit are turned away, and a closed one makes room', async () => {
  const { hub } = fixture();
  const pages = Array.from({ length: clientsMax }, () => open(hub));
  expect(pages.every(({ attached }) => attached)).toBe(true);
  expect(open(hub).attached).toBe(false);
  pages[0]?.stream.destroy();
  await settle();
  expect(open(hub).attached).toBe(true);
});

it('a whole sample goes to the pages of that server alone', async () => {
  const { hub } = fixture();
  const fleet = open(hub);
  const one = open(hub, { server: 1 });
  const two = open(hub, { server: 2 });
  expect([hub.isWatched(1), hub.isWatched(3)]).toEqual([true, false]);
  const counts = { received: 1, late: 0, duplicates: 0, lost: 0 };
  hub.detail({
    id: 1,
    sample: { v: 1, server_id: 'pc', ts: 1, boot_id: 'b', seq: 0 },
    delivery: { ...counts, boot: null, conflict: null },
  });
  hub.server(summary);
  await settle();
  expect(names(fleet)).toEqual(['server']);
  expect(names(one)).toEqual(['detail', 'server']);
  expect(names(two)).toEqual(['server']);
});

it('a quiet stream carries a comment now and then, so that no proxy closes it', async () => {
  const { hub } = fixture();
  const page = open(hub);
  await settle(15_000);
  expect(page.text()).toContain(': \n\n');
  expect(page.events()).toEqual([]);
});

it('closing ends every stream and leaves no timer behind', async () => {
  const { hub } = fixture();
  const page = open(hub);
  hub.sample(1, 1, [1]);
  hub.close();
  await settle();
  expect(page.stream.writableEnded).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
