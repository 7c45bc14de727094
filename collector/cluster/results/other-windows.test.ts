/** Collectors of one group whose windows are set otherwise: the fleet's lack servers, and nobody else tells. */
import { expect, it } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { noonMs } from '../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { steady } from '../../ingest/testing/records.ts';
import { OtherWindows } from './other-windows.ts';
import { published, serverOf, useCollectors } from './testing/collectors.ts';
import { type SharingCollector, settle } from './testing/rig.ts';

const fixture = useCollectors();

const warnings = ({ lines }: SharingCollector) => lines.filter(({ level }) => level === 'warn');
const lack = 'windows of the fleet lack its servers here, and ours there';

/** Its server sends a sample a second for so long. */
async function sendMinutes(
  collector: SharingCollector,
  serverId: string,
  minutes: number,
  seq = 0,
) {
  const records = steady(noonMs + seq * 1_000, 60 * minutes, { server_id: serverId, seq });
  await collector.send(records);
  await settle();
}

it('each tells once of another whose windows have another length', async () => {
  const { start, clock } = fixture();
  clock.setWall(noonMs);
  const one = start('one');
  const two = start('two', { windows: { windowMs: 60_000 } });
  const three = start('three');
  clock.setWall(noonMs + 400_000);
  for (const [i, collector] of [one, two, three].entries()) {
    await sendMinutes(collector, `pc-${i}`, 3);
    await sendMinutes(collector, `pc-${i}`, 3, 180);
  }
  const hint = expect.stringMatching(/windows\.length and windows\.slide alike/) as string;
  const ofTwo = {
    level: 'warn',
    hint,
    msg: `collector http://two:7861 makes windows of 60 s, this one of 30 s (windows.length): ${lack}`,
  };
  expect(warnings(one)).toEqual([ofTwo]);
  expect(warnings(three)).toEqual([ofTwo]);
  expect(warnings(two).map(({ msg }) => msg)).toEqual(
    ['one', 'three'].map(
      (id) =>
        `collector http://${id}:7861 makes windows of 30 s, this one of 60 s (windows.length): ${lack}`,
    ),
  );
});

it('of two slides that differ the collector with the greater one tells', async () => {
  const { start, clock } = fixture();
  clock.setWall(noonMs);
  const one = start('one');
  const two = start('two', { windows: { slideMs: 30_000 } });
  clock.setWall(noonMs + 200_000);
  await sendMinutes(one, 'pc', 3);
  await sendMinutes(two, 'other', 3);
  expect(warnings(two)).toMatchObject([
    {
      msg: `collector http://one:7861 begins windows between those of this one, which begin every 30 s (windows.slide): ${lack}`,
    },
  ]);
  expect(warnings(one)).toEqual([]);
});

it('windows that were made before nobody is told of, nor its own when it was set otherwise', async () => {
  const { start, clock } = fixture();
  const dataDir = temporaryFolder();
  clock.setWall(noonMs);
  const one = start('one', { dataDir, windows: { windowMs: 60_000 } });
  const two = start('two', { windows: { windowMs: 60_000 } });
  clock.setWall(noonMs + 200_000);
  await sendMinutes(one, 'pc', 3);
  await sendMinutes(two, 'other', 3);
  await one.kill();
  const again = start('one', { dataDir });
  const three = start('three');
  await settle();
  expect(three.windows().length).toBeGreaterThan(20);
  expect([...warnings(again), ...warnings(three)]).toEqual([]);
});

it('who takes a server over is not told of for the window that the former owner made', async () => {
  const { start, clock, log } = fixture();
  clock.setWall(noonMs);
  const one = start('one');
  const two = start('two', { windows: { windowMs: 60_000 } });
  const three = start('three');
  clock.setWall(noonMs + 200_000);
  await sendMinutes(two, 'pc', 3);
  expect(warnings(three)).toHaveLength(1);
  two.release();
  // As the group would: what is told of the server is its newest window.
  serverOf(one).isOurs = true;
  one.results.tell(serverOf(one));
  await settle();
  const { owner, start_ms, end_ms } = published(log).at(-1)!;
  expect([owner.id, end_ms - start_ms]).toEqual(['one', 60_000]);
  expect(warnings(three)).toHaveLength(1);
});

it('what is remembered of others is bounded, and replays are of another time', () => {
  const { log, lines } = createKeptLog();
  const windows = { windowMs: 30_000, slideMs: 10_000 };
  const other = new OtherWindows({ windows, sinceMs: noonMs, log });
  const times = { start_ms: noonMs, end_ms: noonMs + 60_000, last_seen_ms: noonMs };
  const of = (url: string, more = {}) =>
    other.look({ ...times, owner: { url }, ...more } as Parameters<OtherWindows['look']>[0]);
  of('http://replay', { source: 'sha' });
  of('http://slow-clock', { start_ms: noonMs - 1 });
  of('http://fast-clock', { last_seen_ms: noonMs - 1 });
  expect(lines).toEqual([]);
  for (let i = 0; i < 1_100; i += 1) of(`http://${i}`);
  expect(lines).toHaveLength(1_000);
});
