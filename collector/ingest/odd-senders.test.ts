/** Senders that are slow, far off, half silent or malicious must not spoil what others send. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { storedFleetWindows, storedWindows } from '../store/history.ts';
import { sample, seedA, steady } from './testing/records.ts';
import { type Rig, startRig } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const hourMs = 60 * 60 * 1000;

function rig(): Rig {
  const started = startRig(temporaryFolder());
  onTestFinished(() => {
    if (started.db.isOpen) started.db.close();
  });
  return started;
}

function windowsOf({ db }: Rig, serverId: string) {
  return [...storedWindows(db, everything)].filter((window) => window.serverId === serverId);
}

/** Streams for some seconds: our own server, and what else is given, each second. */
async function stream(
  r: Rig,
  seconds: number,
  others: (second: number, nowMs: number) => Parameters<Rig['send']>[0],
) {
  for (let second = 0; second < seconds; second += 1) {
    const nowMs = r.clock.wallMs();
    await r.send(steady(nowMs, 1, { seq: second }));
    const records = others(second, nowMs);
    if (records.length > 0) await r.send(records);
    await r.pass(1);
  }
}

it('a record nested too deeply to be written out is put aside, and the others of its batch count', async () => {
  const r = rig();
  const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) as unknown;
  const ack = await r.send([
    sample({ ts: noonMs, seq: 0 }),
    { value: deep },
    { topic: 'windrow-samples', value: { v: 1, kind: 'end', boot_id: deep, origin_ms: 0 } },
    sample({ ts: noonMs, seq: 1 }),
  ]);
  expect(ack).toMatchObject({ stored: 2, quarantined: 2 });
  expect(r.db.prepare('SELECT count(*) AS n FROM quarantine').get()?.['n']).toBe(2);
});

it('a server whose events are hours old holds up no fleet window of the others', async () => {
  const r = rig();
  const behind = (second: number, nowMs: number) =>
    ['cpu', 'mem', 'net', 'disk'].map((metric) =>
      seedA(metric, nowMs - 9 * hourMs, { ...VALUES[metric], second }),
    );
  await stream(r, 60, behind);
  const own = windowsOf(r, 'pc').filter((window) => window.final);
  expect(own.length).toBeGreaterThan(3);
  const fleetStarts = [...storedFleetWindows(r.db, everything)].map((window) => window.startMs);
  expect(fleetStarts).toEqual(expect.arrayContaining(own.map((window) => window.startMs)));
});

it('a topic that falls silent stops holding up its server’s windows, and the fleet’s', async () => {
  const r = rig();
  await stream(r, 90, (second, nowMs) => [
    seedA('cpu', nowMs, VALUES['cpu'] ?? {}),
    ...(second === 0 ? [seedA('disk', nowMs, VALUES['disk'] ?? {})] : []),
  ]);
  const old = windowsOf(r, 'server_1').filter((window) => window.final);
  expect(old.length).toBeGreaterThan(4);
  expect([...storedFleetWindows(r.db, everything)].at(-1)?.servers).toBe(2);
});

it('a producer whose times of day are hours ahead has its windows while it streams', async () => {
  const r = rig();
  await stream(r, 60, (_, nowMs) =>
    ['cpu', 'mem', 'net', 'disk'].map((metric) =>
      seedA(metric, nowMs + 3 * hourMs, VALUES[metric] ?? {}),
    ),
  );
  expect(windowsOf(r, 'server_1').filter((window) => window.final).length).toBeGreaterThan(3);
});

it('what a sender dropped before this collector knew its boot counts as lost, what an earlier store had does not', async () => {
  const about = { server_id: 'pc', boot_id: 'boot' };
  const dropped = rig();
  await dropped.send([sample({ ts: noonMs, seq: 4 })], { ...about, dropped: 4 });
  expect(dropped.ingest.counts.lost).toBe(4);
  await dropped.send([sample({ ts: noonMs + 1_000, seq: 5 })], { ...about, dropped: 4 });
  expect(dropped.ingest.counts.lost).toBe(4);

  const moved = rig();
  await moved.send([sample({ ts: noonMs, seq: 4_000 })]);
  expect(moved.ingest.counts.lost).toBe(0);
  const liar = rig();
  await liar.send([sample({ ts: noonMs, seq: 2 })], { ...about, dropped: Number.MAX_SAFE_INTEGER });
  expect(liar.ingest.counts.lost).toBe(2);
});

const VALUES: Readonly<Record<string, Record<string, number>>> = {
  cpu: { cpu_pct: 10 },
  mem: { mem_pct: 20 },
  net: { net_in: 1, net_out: 2 },
  disk: { disk_io: 3 },
};
