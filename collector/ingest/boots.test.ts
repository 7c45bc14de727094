import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { bootsMax } from './source.ts';
import { goodbye, inventory, sample } from './testing/records.ts';
import { type Rig, startRig } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function rig(dataDir = temporaryFolder()): Rig {
  const started = startRig(dataDir);
  onTestFinished(() => {
    if (started.db.isOpen) started.db.close();
  });
  return started;
}

it('the boot longest unheard leaves the memory, not the one first seen, and its repeats are told all the same', async () => {
  const r = rig();
  const send = async (boot: number, seq: number) => {
    await r.pass(1);
    return r.send([sample({ ts: noonMs, seq, boot_id: `b${boot}` })]);
  };
  for (let boot = 0; boot < bootsMax; boot += 1) await send(boot, 0);
  await send(0, 1);
  await send(bootsMax, 0);
  expect(await send(0, 1)).toMatchObject({ stored: 0, duplicates: 1 });
  const { boots } = r.registry.find('pc', '')!;
  expect([boots.size, boots.has('b0'), boots.has('b1')]).toEqual([bootsMax, true, false]);
  const stored = boots.get('b2')?.bootNo;
  expect(await send(1, 0)).toMatchObject({ stored: 0, duplicates: 1 });
  expect(await send(1, 1)).toMatchObject({ stored: 1, duplicates: 0 });
  expect(await send(2, 0)).toMatchObject({ stored: 0, duplicates: 1 });
  expect(boots.get('b2')?.bootNo).toBe(stored);
});

it('more boots than memory holds, in one commit and over a restart: each sample counts once', async () => {
  const dataDir = temporaryFolder();
  const first = rig(dataDir);
  const boots = Array.from({ length: 3 * bootsMax }, (_, i) => `b${i}`);
  const samples = boots.flatMap((boot_id) =>
    [0, 1].map((seq) => sample({ ts: noonMs, seq, boot_id })),
  );
  expect(await first.send([...samples, ...samples])).toMatchObject({ stored: 96, duplicates: 96 });
  expect(await first.send(samples)).toMatchObject({ stored: 0, duplicates: 96 });
  expect(first.registry.find('pc', '')?.boots.size).toBe(bootsMax);
  first.crash();
  const second = rig(dataDir);
  expect(await second.send(samples)).toMatchObject({ stored: 0, duplicates: 96 });
  const named = second.db.prepare('SELECT count(DISTINCT boot_no) AS n FROM samples').get();
  expect(named).toEqual({ n: boots.length });
});

it('a goodbye right after the inventory, before any sample, switches the server off', async () => {
  const r = rig();
  await r.send([inventory('pc')]);
  await r.send([goodbye('pc', 'boot')]);
  expect(r.registry.find('pc', '')?.off).toBe(true);
});
