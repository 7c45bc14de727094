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

function rig(): Rig {
  const started = startRig(temporaryFolder());
  onTestFinished(() => {
    if (started.db.isOpen) started.db.close();
  });
  return started;
}

it('the boot longest unheard makes room, not the one first seen', async () => {
  const r = rig();
  const send = async (boot: number, seq: number) => {
    await r.pass(1);
    return r.send([sample({ ts: noonMs, seq, boot_id: `b${boot}` })]);
  };
  for (let boot = 0; boot < bootsMax; boot += 1) await send(boot, 0);
  await send(0, 1);
  await send(bootsMax, 0);
  expect(await send(0, 1)).toMatchObject({ stored: 0, duplicates: 1 });
  // Boot 1 is forgotten: its repeat can no longer be told.
  expect(await send(1, 0)).toMatchObject({ stored: 1, duplicates: 0 });
});

it('a goodbye right after the inventory, before any sample, switches the server off', async () => {
  const r = rig();
  await r.send([inventory('pc')]);
  await r.send([goodbye('pc', 'boot')]);
  expect(r.registry.find('pc', '')?.off).toBe(true);
});
