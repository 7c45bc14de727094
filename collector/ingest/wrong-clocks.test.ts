/** Clocks that are wrong, of a server or of the collector: what is judged, and when. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { AlertEngine } from '../alerts/engine.ts';
import { parseAlerts } from '../alerts/rules/load.ts';
import { restoreAlerts } from '../alerts/store.ts';
import { storedWindows } from '../store/history.ts';
import type { Alerting } from './alerting.ts';
import { sample } from './testing/records.ts';
import { startRig, WINDOWS } from './testing/rig.ts';

const RULES = `
rules:
  - { name: cpu, about: CPU is high., when: cpu_pct.avg > 90, severity: warning }
`;
const minuteMs = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A collector whose clock is off by so much, and the alert engine with it. */
function fixture(offMs = 0, rules = RULES) {
  let engine: AlertEngine | undefined;
  const alerts: Alerting = {
    sample: (...told) => engine?.sample(...told),
    window: (...told) => engine?.window(...told),
    ended: (...told) => engine?.ended(...told),
    forget: (...told) => engine?.forget(...told),
  };
  const clock = createManualClock(noonMs + offMs);
  const rig = startRig(temporaryFolder(), clock, alerts);
  onTestFinished(() => rig.crash());
  let second = 0;
  /** In seconds since noon, by a clock that is right. */
  const told: string[] = [];
  engine = new AlertEngine(
    {
      clock,
      group: () => rig.writer.group,
      sources: () => rig.registry.all(),
      hears: () => true,
      isOwnClockOff: () => rig.ingest.ownClock.offsetMs !== 0,
      onChange: ({ kind, server }) => void told.push(`${second} ${kind} ${server}`),
      ...WINDOWS,
    },
    restoreAlerts(rig.db, clock.wallMs()),
  );
  engine.start(parseAlerts(rules, 'alerts.yaml').rules);
  /** For so many seconds each server sends one sample a second, its clock off by so much. */
  const run = async (seconds: number, servers: Readonly<Record<string, number>>, cpu = 99) => {
    for (let i = 0; i < seconds; i += 1) {
      second += 1;
      await rig.pass(1);
      for (const [name, serverOffMs] of Object.entries(servers)) {
        const ts = noonMs + second * 1_000 + serverOffMs;
        const identity = { server_id: name, boot_id: 'boot' };
        await rig.send([sample({ ts, seq: second, ...identity, cpu_pct: cpu })], {
          ...identity,
          sent_at: ts,
        });
      }
    }
  };
  const late = (): number => rig.ingest.counts.late;
  return { rig, clock, told, run, late };
}

it('a server that is ten minutes ahead is judged within a minute, and then on time', async () => {
  const { rig, told, run, late } = fixture();
  const ahead = { pc: 10 * minuteMs };
  await run(75, ahead);
  expect(told).toEqual(['61 firing pc']);
  // A window each ten seconds: the first with a mean of 90 or less, and the lateness.
  await run(30, ahead, 0);
  expect(told).toEqual(['61 firing pc', '85 resolved pc']);
  const windows = [...storedWindows(rig.db, { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER })];
  expect(windows.some(({ final }) => final)).toBe(false);
  // Put right, it is judged again when the offset has shown for the last time.
  await run(75, { pc: 0 });
  expect(told.slice(2)).toEqual(['165 firing pc']);
  expect(late()).toBe(0);
});

it('what a server sent while it was ahead raises nothing again when its clock has been put right', async () => {
  const { told, run, late } = fixture(0, RULES.replace('avg', 'max'));
  const ahead = { pc: 2 * minuteMs };
  await run(200, ahead, 0);
  await run(60, ahead);
  await run(60, ahead, 0);
  expect(told).toEqual(['215 firing pc', '305 resolved pc']);
  // All that its clock gives out for two minutes it has given out before.
  await run(180, { pc: 0 }, 0);
  expect(told).toHaveLength(2);
  await run(30, { pc: 0 });
  expect(told.slice(2)).toEqual(['515 firing pc']);
  expect(late()).toBe(0);
});

it('one sample of a clock that jumped makes nothing late, and hides nothing', async () => {
  const { told, run, late } = fixture();
  await run(90, { pc: 0 });
  await run(1, { pc: 60 * minuteMs });
  await run(90, { pc: 0 }, 0);
  expect(late()).toBe(0);
  expect(told.map((line) => line.replace(/^\d+ /, ''))).toEqual(['firing pc', 'resolved pc']);
});

it('a collector whose own clock is behind judges all the same, and says so once', async () => {
  const { rig, clock, told, run, late } = fixture(-10 * minuteMs);
  const room = { a: 0, b: 20, c: -20 };
  await run(75, room);
  expect(told).toEqual(['61 firing a', '61 firing b', '61 firing c']);
  const warnings = rig.lines.filter(({ level }) => level === 'warn');
  expect(warnings.map(({ msg }) => msg)).toEqual([
    "all 3 servers' clocks are about 600 s ahead of this machine's: check this machine's clock",
  ]);
  expect(rig.ingest.ownClock.offsetMs).toBe(10 * minuteMs);
  clock.setWall(clock.wallMs() + 10 * minuteMs);
  await run(75, room);
  expect(rig.lines.at(-1)?.msg).toBe("most servers' clocks agree with this machine's again");
  expect(rig.ingest.ownClock.offsetMs).toBe(0);
  expect(told).toHaveLength(3);
  const before = told.length;
  await run(30, room, 0);
  expect(told.slice(before).map((line) => line.split(' ')[1])).toEqual(Array(3).fill('resolved'));
  expect(late()).toBe(0);
});
