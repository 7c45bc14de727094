/**
 * What the agent measures, against sysstat: both look at the same ten seconds of the same machine
 * while a process of ours spins, one writes to the disk and one to the network. That begins after
 * and ends before either of them looks, and rates are compared as what they add up to: so it does
 * not show that on a busy machine they look at slightly different moments.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSampler } from '../../agent/metrics/sampler.ts';
import type { Sample } from '../../wire/records/sample.ts';
import { missing } from '../support/tools.ts';
import { output, rowOf, startLoad, statisticsOf } from './tools.ts';
import { BROADCAST, makeWire, mayMakeWire } from './veth.ts';

const spanS = 10;
/** From two seconds after the tools were started to two seconds before they end. */
const beginMs = 2_000;
const loadMs = 6_000;
const diskDifferenceMax = 0.03;
const looksMax = 3;
const never = new AbortController().signal;

/** Keeps a core busy, and stays. */
const spin = `
  const [beginMs, loadMs] = process.argv.slice(1).map(Number);
  setTimeout(() => {
    const endMs = performance.now() + loadMs;
    while (performance.now() < endMs);
    setInterval(() => {}, 60_000);
  }, beginMs);
`;
/** Writes pieces to a file, each down to the disk. */
const write = `
  const fs = require('node:fs');
  const [path, beginMs, loadMs] = process.argv.slice(1);
  const fd = fs.openSync(path, 'w');
  const piece = Buffer.alloc(1024 * 1024, 'windrow');
  setTimeout(() => {
    const timer = setInterval(() => { fs.writeSync(fd, piece); fs.fdatasyncSync(fd); }, 50);
    setTimeout(() => clearInterval(timer), Number(loadMs));
  }, Number(beginMs));
`;
/** Sends datagrams to everybody on the wire. */
const send = `
  const socket = require('node:dgram').createSocket('udp4');
  const [to, beginMs, loadMs] = process.argv.slice(1);
  socket.bind(0, () => {
    socket.setBroadcast(true);
    setTimeout(() => {
      const timer = setInterval(() => {
        for (let n = 0; n < 20; n += 1) socket.send(Buffer.alloc(1000), 9, to);
      }, 10);
      setTimeout(() => { clearInterval(timer); socket.close(); }, Number(loadMs));
    }, Number(beginMs));
  });
`;

interface Seen {
  readonly ours: Partial<Sample>;
  readonly oursS: number;
  /** CPU of the process that spins, in percent of a core, over as long as the tools look. */
  readonly spinnerPct: number;
  readonly mpstat: Readonly<Record<string, number>>;
  readonly iostat: readonly Readonly<Record<string, number | string>>[];
  readonly pidstat: Readonly<Record<string, number>>;
  readonly sar: string;
  readonly wire: string | undefined;
}

describe.skipIf(missing('mpstat', 'iostat', 'pidstat', 'sar'))(
  'ten seconds, beside sysstat',
  () => {
    let seen: Seen;
    beforeAll(async () => {
      seen = await look();
      // Where something else writes a lot just as one of them looks, they differ. One that counts
      // wrongly does so each time.
      for (let looks = 1; looks < looksMax && !doDisksAgree(seen); looks += 1) seen = await look();
    });

    it.each([
      ['user', ['usr', 'nice', 'guest', 'gnice']],
      ['system', ['sys', 'irq', 'soft']],
      ['iowait', ['iowait']],
      ['steal', ['steal']],
    ] as const)('CPU %s is that of mpstat within a point', (mode, theirs) => {
      const expected = theirs.reduce((sum, name) => sum + (seen.mpstat[name] ?? Number.NaN), 0);
      expect(Math.abs((seen.ours.cpu?.[mode] ?? Number.NaN) - expected)).toBeLessThanOrEqual(1);
    });

    it('CPU in all is that of mpstat within a point', () => {
      const { idle = Number.NaN, iowait = Number.NaN } = seen.mpstat;
      const ours = seen.ours.cpu_pct ?? Number.NaN;
      expect(Math.abs(ours - (100 - idle - iowait))).toBeLessThanOrEqual(1);
      // One core spun: of whatever many there are.
      expect(ours).toBeGreaterThan(0);
    });

    it('what was written to each disk is what iostat saw, within 3 %', () => {
      const differences = diskDifferencesOf(seen);
      expect(differences).not.toEqual([]);
      for (const { name, difference } of differences) {
        expect(difference, name).toBeLessThanOrEqual(diskDifferenceMax);
      }
    });

    it('the CPU of a process that spins is that of pidstat within a point and a half', () => {
      const theirs = seen.pidstat['%CPU'] ?? Number.NaN;
      expect(theirs).toBeGreaterThan(10);
      expect(Math.abs(seen.spinnerPct - theirs)).toBeLessThanOrEqual(1.5);
    });

    it.skipIf(!mayMakeWire())('what went out on an interface is what sar saw, within 2 %', () => {
      const ours = seen.ours.nets?.find(({ name }) => name === seen.wire)?.out ?? Number.NaN;
      const theirs = rowOf(seen.sar, 'IFACE', seen.wire ?? '')['txkB/s'] ?? Number.NaN;
      expect(theirs).toBeGreaterThan(100);
      expect(Math.abs((ours * seen.oursS) / (theirs * 1024 * spanS) - 1)).toBeLessThanOrEqual(0.02);
    });
  },
);

/** Of disks to which enough was written: how far the bytes are apart, as a part of theirs. */
function diskDifferencesOf({ ours, oursS, iostat }: Seen): { name: string; difference: number }[] {
  const written = (ours.disks ?? []).filter(({ write }) => write * oursS > 10 * 1024 ** 2);
  return written.map(({ name, write }) => {
    const theirs = iostat.find((disk) => disk['disk_device'] === name);
    const theirBytes = Number(theirs?.['wkB/s']) * 1024 * spanS;
    return { name, difference: Math.abs((write * oursS) / theirBytes - 1) };
  });
}

function doDisksAgree(seen: Seen): boolean {
  return diskDifferencesOf(seen).every(({ difference }) => difference <= diskDifferenceMax);
}

async function look(): Promise<Seen> {
  // Beside the code: /tmp may be memory, and then nothing reaches a disk.
  const folder = mkdtempSync(join(import.meta.dirname, '.written-'));
  const wire = mayMakeWire() ? makeWire() : undefined;
  const sampler = createSampler();
  try {
    const times = [`${beginMs}`, `${loadMs}`];
    const span = [`${spanS}`, '1'];
    await using spinner = await startLoad(spin, times);
    await sampler.scanProcesses(never);
    sampler.sample();
    const startMs = performance.now();
    const tools = Promise.all([
      output('mpstat', ['-o', 'JSON', ...span]),
      output('iostat', ['-dxyk', '-o', 'JSON', ...span]),
      output('pidstat', ['-u', '-p', `${spinner.pid}`, ...span]),
      output('sar', ['-n', 'DEV', ...span]),
    ]);
    await using writer = await startLoad(write, [join(folder, 'file'), ...times]);
    await using sender =
      wire === undefined ? undefined : await startLoad(send, [BROADCAST, ...times]);
    await Promise.all([writer.done(), sender?.done()]);
    const [mpstat, iostat, pidstat, sar] = await tools;
    const ours = sampler.sample();
    const oursS = (performance.now() - startMs) / 1000;
    await sampler.scanProcesses(never);
    const scannedS = (performance.now() - startMs) / 1000;
    const { processes } = sampler.sample();
    const row = processes?.by_cpu.find(({ pid }) => pid === spinner.pid);
    const load = statisticsOf(mpstat)['cpu-load'] as Seen['mpstat'][];
    return {
      ours,
      oursS,
      mpstat: load[0] ?? {},
      iostat: statisticsOf(iostat)['disk'] as Seen['iostat'],
      pidstat: rowOf(pidstat, 'PID', `${spinner.pid}`),
      sar,
      spinnerPct: ((row?.cpu_pct ?? Number.NaN) * scannedS) / spanS,
      wire: wire?.name,
    };
  } finally {
    sampler.close();
    wire?.[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  }
}
