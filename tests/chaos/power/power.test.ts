/**
 * The power fails at any moment of an outbox's life: when it is made, filled, drained, given back,
 * closed, killed and opened again. strace saw what went to the disk and what was synced; from that
 * comes what the disk may hold then, and the outbox is opened on it.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DurableOutbox } from '../../../agent/outbox/durable.ts';
import { outboxPath } from '../../../agent/outbox/place.ts';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import { tempDir } from '../../support/programs.ts';
import { missing } from '../../support/tools.ts';
import { Dice } from '../dice.ts';
import { Disk } from './disk.ts';
import { Notes } from './notes.ts';
import { numberOf } from './records.ts';
import { straced, type SystemCall, systemCallsBelow } from './system-calls.ts';
import type { Step, WriterPlan } from './writer.ts';

/** A person's machine tries some of them. */
const cuts = process.env['CI'] ? 400 : 100;
const runMsMax = 300_000;
const bytesMax = 64 * 1024 * 1024;

const WRITER = fileURLToPath(new URL('writer.ts', import.meta.url));

/** Lives of one outbox, each ended by kill -9. */
const LIVES: readonly (readonly Step[])[] = [
  [
    { do: 'add', records: 220 },
    // So much is free then that the file is written anew.
    { do: 'drain', left: 20 },
    { do: 'add', records: 60 },
  ],
  [{ do: 'add', records: 70 }, { do: 'restart' }, { do: 'add', records: 60 }],
];

function recorded(folder: string, dataDir: string): SystemCall[] {
  const log = join(folder, 'calls');
  LIVES.forEach((steps, life) => {
    const plan: WriterPlan = { dataDir, notes: join(dataDir, 'notes'), from: life * 1_000, steps };
    straced(log, [WRITER, JSON.stringify(plan)]);
  });
  return [...systemCallsBelow(dataDir, log)];
}

/** What an outbox opened on the files of a cut gives out. @throws when it is not what was added */
async function foundIn(dataDir: string): Promise<Set<number>> {
  const { log, lines } = createKeptLog();
  const path = outboxPath(dataDir);
  const clock = createManualClock();
  const outbox = new DurableOutbox({ path, bytesMax, bootId: 'after', clock, log });
  const found = new Set<number>();
  for (;;) {
    const lease = outbox.takeBacklog();
    if (lease === undefined) break;
    for (const { line } of lease.records) {
      const number = numberOf(line);
      if (found.has(number)) throw new Error(`record ${number} is given twice`);
      found.add(number);
    }
  }
  const { size } = outbox;
  await outbox.close();
  expect(size).toBe(found.size);
  // What it sets aside it tells as an error, and works on; a warning tells that it cannot be written.
  expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
  return found;
}

const oneSeed = process.env['CHAOS_SEED'] !== undefined;

describe.skipIf(oneSeed || missing('strace'))('the power fails', () => {
  it(
    'and takes no record that was added more than a second before, whatever of the rest reached the disk',
    async () => {
      using folder = tempDir();
      const dataDir = join(folder.path, 'data');
      mkdirSync(dataDir);
      const calls = recorded(folder.path, dataDir);
      const changes = calls.flatMap((call) => (call.phase === 'begin' ? [call.change] : []));
      const file = outboxPath(dataDir);
      const moved = changes.filter(({ kind, path }) => kind === 'write' && path === file);
      const cutLog = changes.filter(
        ({ kind, path }) => kind === 'truncate' && path !== `${file}-shm`,
      );
      // The log was moved into the file, which was written anew: otherwise half is not tested.
      expect(moved.length).toBeGreaterThan(4_000);
      expect(cutLog.length).toBeGreaterThan(0);
      const dice = new Dice(calls.length);
      const chosen = new Set(Array.from({ length: cuts }, () => dice.between(0, calls.length - 1)));
      const disk = new Disk(dataDir);
      const notes = new Notes();
      let owedMax = 0;
      for (const [at, call] of calls.entries()) {
        if (call.phase === 'begin' && call.change.kind === 'append') {
          notes.take(call.change.bytes.toString(), disk.isSyncing);
        } else disk.carryOut(call);
        if (!chosen.has(at)) continue;
        const cut = mkdtempSync(join(folder.path, 'cut-'));
        const fates = disk.writeTo(cut, dice);
        const owed = notes.owed();
        owedMax = Math.max(owedMax, owed.length);
        const about = `cut after ${at} of ${calls.length} calls: ${JSON.stringify([...fates])}`;
        const found = await foundIn(cut);
        expect(
          owed.filter((number) => !found.has(number)),
          about,
        ).toEqual([]);
        rmSync(cut, { recursive: true });
      }
      // Otherwise nothing was tested.
      expect(owedMax).toBeGreaterThan(100);
    },
    runMsMax,
  );
});
