import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import type { Alerting } from './alerting.ts';
import { goodbye, sample, steady } from './testing/records.ts';
import { startRig } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What whoever judges is told, in order. */
function fixture() {
  const told: string[] = [];
  const alerts: Alerting = {
    sample: ({ serverId }, { processes }) =>
      void told.push(`sample ${serverId} ${processes?.by_cpu[0]?.name ?? '-'}`),
    window: ({ off, decommissioned }, { endMs }) =>
      void told.push(`window ${(endMs - noonMs) / 1_000}${off || decommissioned ? ' ended' : ''}`),
    ended: ({ serverId, off, decommissioned }, reason) =>
      void told.push(`ended ${serverId}: ${reason}${off || decommissioned ? '' : ' (too early)'}`),
    forget: ({ serverId }) => void told.push(`forget ${serverId}`),
  };
  const rig = startRig(temporaryFolder(), createManualClock(noonMs + 60_000), alerts);
  onTestFinished(() => rig.crash());
  return { rig, told };
}

it('a sample is told with its processes, a window in the turn in which it is made', async () => {
  const { rig, told } = fixture();
  const row = { pid: 1, name: 'make', cpu_pct: 99, mem_pct: 1 };
  const processes = { by_cpu: [row], by_mem: [row] };
  const answer = rig.begin([
    sample({ ts: noonMs, seq: 0, cpu_pct: 1, processes }),
    sample({ ts: noonMs + 15_000, seq: 1, cpu_pct: 1 }),
  ]);
  expect(told).toEqual(['sample pc make', 'sample pc -', 'window 10']);
  await vi.advanceTimersByTimeAsync(20);
  await answer;
});

it('a goodbye is told before the windows that it closes, and these are of a server that ended', async () => {
  const { rig, told } = fixture();
  await rig.send(steady(noonMs, 12));
  told.length = 0;
  await rig.send([goodbye('pc', 'boot', noonMs + 12_000)]);
  expect(told).toEqual([
    'ended pc: said goodbye',
    'window 10 ended',
    'window 20 ended',
    'window 30 ended',
    'window 40 ended',
  ]);
});

it('a server that is taken out likewise, and what the store forgets is forgotten', async () => {
  const { rig, told } = fixture();
  await rig.send(steady(noonMs, 12));
  told.length = 0;
  const source = rig.registry.find('pc', '');
  if (source === undefined) throw new Error('pc is known');
  const done = rig.ingest.decommission(source);
  expect(told[0]).toBe('ended pc: decommissioned');
  expect(told.slice(1).every((line) => line.endsWith(' ended'))).toBe(true);
  await vi.advanceTimersByTimeAsync(20);
  await done;
  rig.ingest.forget(source);
  expect(told.at(-1)).toBe('forget pc');
});
