/** Batches that come late, or again, or with nothing new: what they say of what still waits. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { storedWindows } from '../store/history.ts';
import { onItsWayMsMax } from './announced.ts';
import { goodbye, inventory, steady } from './testing/records.ts';
import { type Rig, startRig } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function rig(dataDir = temporaryFolder(), clock = createManualClock()): Rig {
  const started = startRig(dataDir, clock);
  onTestFinished(() => {
    if (started.db.isOpen) started.db.close();
  });
  return started;
}

const about = { server_id: 'pc', boot_id: 'boot' };

/** Samples of the seconds `from` to before `to` after noon, numbered by their second. */
function seconds(from: number, to: number) {
  return steady(noonMs + from * 1_000, to - from, { seq: from });
}

/** Ends of the final windows, in seconds after noon. */
function finalEnds({ db }: Rig): number[] {
  const windows = [...storedWindows(db, { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER })];
  return windows.filter(({ final }) => final).map(({ endMs }) => (endMs - noonMs) / 1_000);
}

/** A minute was measured; its newest half is here, ten seconds are kept by the network, the rest waits. */
async function afterOutage(r: Rig): Promise<{ kept: { sent_at: number } }> {
  r.clock.advance(20_000);
  await r.send(seconds(0, 20), { ...about, sent_at: r.clock.wallMs() });
  const kept = { ...about, sent_at: r.clock.wallMs() + 100 };
  r.clock.advance(40_000);
  await r.send(seconds(40, 60), {
    ...about,
    sent_at: r.clock.wallMs(),
    pending_from_ms: noonMs + 20_000,
  });
  return { kept };
}

it('a batch that the network kept does not make windows final whose samples still wait', async () => {
  const r = rig();
  const { kept } = await afterOutage(r);
  // When it was sent, nothing else waited.
  await r.send(seconds(20, 30), kept);
  expect(finalEnds(r)).toEqual([10, 20]);
  await r.send(seconds(30, 40), { ...about, sent_at: r.clock.wallMs() });
  expect(finalEnds(r)).toEqual([10, 20, 30, 40, 50]);
  expect(r.ingest.counts.late).toBe(0);
});

it('nor does it after the collector was killed and started again', async () => {
  const dataDir = temporaryFolder();
  const first = rig(dataDir);
  const { kept } = await afterOutage(first);
  first.crash();
  const second = rig(dataDir, first.clock);
  await second.send(seconds(20, 30), kept);
  expect(finalEnds(second)).toEqual([10, 20]);
});

it('the last word makes windows final, be there nothing new beside it', async () => {
  const r = rig();
  r.clock.advance(60_000);
  await r.send(seconds(0, 60), { ...about, pending_from_ms: noonMs });
  expect(finalEnds(r)).toEqual([]);
  r.clock.advance(100);
  expect(await r.send(seconds(40, 60), about)).toMatchObject({ stored: 0 });
  expect(finalEnds(r)).toEqual([10, 20, 30, 40, 50]);
});

it('so does a goodbye', async () => {
  const r = rig();
  r.clock.advance(60_000);
  await r.send(seconds(0, 60), { ...about, pending_from_ms: noonMs });
  r.clock.advance(100);
  await r.send([goodbye()], about);
  expect(finalEnds(r)).toEqual([10, 20, 30, 40, 50]);
});

it('what waits still is not forgotten when an agent that has started again sends its inventory alone', async () => {
  const r = rig();
  await afterOutage(r);
  const pending = { ...about, pending_from_ms: noonMs + 20_000 };
  await r.pass(25);
  await r.send([inventory()], { ...pending, sent_at: r.clock.wallMs() });
  // No sample for longer than a topic may be silent, and the server is heard all the same.
  await r.pass(10);
  expect(finalEnds(r)).toEqual([10, 20]);
  const all = [...seconds(20, 40), ...seconds(95, 96)];
  await r.send(all, { ...about, sent_at: r.clock.wallMs() });
  expect(finalEnds(r)).toEqual([10, 20, 30, 40, 50, 60, 70, 80]);
  expect(r.ingest.counts.late).toBe(0);
});

it('a clock that was set back is believed again', async () => {
  const r = rig();
  r.clock.advance(60_000);
  const sentMs = r.clock.wallMs();
  await r.send(seconds(0, 60), { ...about, sent_at: sentMs, pending_from_ms: noonMs });
  await r.send(seconds(59, 60), { ...about, sent_at: sentMs - onItsWayMsMax });
  expect(finalEnds(r)).toEqual([]);
  await r.send(seconds(59, 60), { ...about, sent_at: sentMs - onItsWayMsMax - 1 });
  expect(finalEnds(r)).toEqual([10, 20, 30, 40, 50]);
});
