/** The outbox on a disk that is nearly full: nothing of it grows into the last twentieth. */
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DurableOutbox } from '../../agent/outbox/durable.ts';
import { heldRecordsMax } from '../../agent/outbox/held.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { mayMount, smallDisk } from '../support/small-disk.ts';

const KiB = 1024;
const diskKiB = 32 * KiB;
/** Between looks at the disk and tries of the file. */
const laterMs = 60_000;

function fixture(diskPath: string) {
  const folder = join(diskPath, 'agent');
  const clock = createManualClock();
  const { log, lines } = createKeptLog();
  const path = join(folder, 'outbox.db');
  const outbox = new DurableOutbox({ path, bytesMax: 64 * KiB * KiB, bootId: 'boot', clock, log });
  onTestFinished(() => outbox.close());
  let seq = 0;
  const add = (count: number): void => {
    for (let i = 0; i < count; i += 1, seq += 1) {
      outbox.add({ line: `{"fill":"${'x'.repeat(1_000)}"}`, atMs: seq, seq });
    }
  };
  const bytes = (): number =>
    readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  /** Takes up the disk but for so much. */
  const leave = (kib: number): void => {
    const ballast = join(diskPath, 'ballast');
    rmSync(ballast, { force: true });
    writeFileSync(ballast, Buffer.alloc(diskKiB * KiB - bytes() - kib * KiB));
    clock.advance(laterMs);
  };
  return { outbox, lines, add, bytes, leave, later: () => clock.advance(laterMs) };
}

describe.skipIf(!mayMount())('on a small disk of its own (needs root to mount)', () => {
  it('a large outbox drops its oldest to make room, and grows again when the disk has room', () => {
    using disk = smallDisk(diskKiB);
    const { outbox, add, bytes, leave } = fixture(disk.path);
    add(heldRecordsMax + 1_000);
    leave(1_000);
    add(1);
    const whenLow = bytes();
    add(2_000);
    expect(bytes()).toBeLessThanOrEqual(whenLow + 300 * KiB);
    expect(outbox.dropped).toBeGreaterThan(800);
    expect(outbox.size + outbox.dropped).toBe(heldRecordsMax + 3_001);
    leave(8_000);
    const { dropped } = outbox;
    add(2_000);
    expect(outbox.dropped).toBe(dropped);
    expect(bytes()).toBeGreaterThan(whenLow);
  });

  it('a small one lets records wait in memory rather than drop what it has', () => {
    using disk = smallDisk(diskKiB);
    const { outbox, lines, add, bytes, leave, later } = fixture(disk.path);
    add(100);
    leave(1_000);
    add(1_000);
    const whenLow = bytes();
    expect([outbox.size, outbox.dropped]).toEqual([1_100, 0]);
    expect(whenLow).toBeLessThan(1_000 * KiB);
    later();
    add(500);
    expect(bytes()).toBeLessThanOrEqual(whenLow + 300 * KiB);
    leave(8_000);
    add(1);
    expect([outbox.size, outbox.dropped]).toEqual([1_601, 0]);
    expect(bytes()).toBeGreaterThan(1_601 * 1_000);
    expect(lines.map(({ msg }) => msg)).toEqual([
      'the outbox cannot be written; records wait in memory',
      'the outbox can be written again',
    ]);
  });
});
