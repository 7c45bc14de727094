/** While `window-results` alone cannot be read, nobody knows what became of the servers of other collectors. */
import { expect, it } from 'vitest';
import { noonMs } from '../../../runtime/testing/manual-clock.ts';
import type { LogReader } from '../../../wire/transport/log/port.ts';
import { Hearing } from '../../alerts/hearing.ts';
import { countConditions } from '../../api/figures.ts';
import { sample, steady } from '../../ingest/testing/records.ts';
import { useCollectors } from './testing/collectors.ts';
import { settle } from './testing/rig.ts';

const fixture = useCollectors();

/** Stands still from the call on until the function that it returns is called. */
function stalling() {
  let stalled: PromiseWithResolvers<void> | undefined;
  return {
    through: (reader: LogReader): LogReader => ({
      ...reader,
      follow: (from, handlers, signal) =>
        reader.follow(
          from,
          {
            ...handlers,
            async take(records) {
              await stalled?.promise;
              await handlers.take(records);
            },
          },
          signal,
        ),
    }),
    stall: (): (() => void) => {
      stalled = Promise.withResolvers();
      return () => stalled?.resolve();
    },
  };
}

it('they are unknown, not silent, until it has been read up', async () => {
  const { start, clock } = fixture();
  const one = start('one');
  const { through, stall } = stalling();
  const two = start('two', { through });
  const hearing = new Hearing({
    clock,
    hears: () => true,
    share: { heardThroughMs: () => two.results.heardThroughMs },
  });
  hearing.start();
  const counts = () => countConditions(two.registry.all(), { nowMs: clock.wallMs(), hearing });
  await one.send(steady(noonMs, 60));
  await settle();
  expect(counts()).toMatchObject({ up: 1 });
  const goOn = stall();
  for (let i = 0; i < 30; i += 1) {
    await one.send(steady(noonMs + 60_000 + 10_000 * i, 10, { seq: 60 + 10 * i }));
    for (let second = 0; second < 10; second += 1) {
      await one.pass(1);
      hearing.tick();
    }
  }
  expect(counts()).toMatchObject({ up: 0, silent: 0, unknown: 1 });
  goOn();
  await settle();
  expect(counts()).toMatchObject({ up: 1, unknown: 0 });
  // And who says nothing any longer is silent, as long as it is read.
  for (let second = 0; second < 125; second += 1) {
    await two.pass(1);
    hearing.tick();
  }
  expect(counts()).toMatchObject({ silent: 1, unknown: 0 });
});

it('no fleet window is made without them until it has been read up', async () => {
  const { start, clock } = fixture();
  const { through, stall } = stalling();
  const [one, two] = [start('one', { through }), start('two')];
  clock.setWall(noonMs);
  const live = async (seconds: number) => {
    for (let i = 0; i < seconds; i += 1) {
      const [ts, seq] = [clock.wallMs(), (clock.wallMs() - noonMs) / 1_000];
      await two.send([sample({ ts, seq, server_id: 'other' })]);
      await one.send([sample({ ts, seq })]);
      await one.pass(1);
    }
  };
  const serversIn = (lines: readonly string[]) => lines.slice(1).map((line) => line.split(',')[2]);
  await live(40);
  const goOn = stall();
  await live(140);
  expect(serversIn(one.fleet())).toEqual(Array(3).fill('2'));
  goOn();
  await live(10);
  expect(serversIn(one.fleet())).toEqual(Array(18).fill('2'));
});
