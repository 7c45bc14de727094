/**
 * Random batches into a collector that is killed at random moments, compared with one that is not.
 * Killed means: what was not committed is gone, and whoever got no acknowledgment sends again.
 */
import fc from '../../runtime/testing/property.ts';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import type { BatchHeader } from '../../wire/records/batch.ts';
import type { RawRecord } from '../../wire/records/record.ts';
import { storedFleetWindows, storedSamples, storedWindows } from '../store/history.ts';
import { endOfReplay, sample } from './testing/records.ts';
import { type Rig, startRig } from './testing/rig.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
/** Hundreds of databases are opened: memory, where the system has a folder of it. */
const fastFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const fromMs = noonMs - 3_600_000;
const replayId = 'f'.repeat(64);

interface Step {
  readonly records: readonly RawRecord[];
  readonly header: Partial<BatchHeader>;
  /** Seconds of ticks after the batch. */
  readonly ticks: number;
}

/** `lost`: killed before the commit; `unacknowledged`: after it, before the answer; `acknowledged`: after both. */
const fates = ['lives', 'lives', 'lost', 'unacknowledged', 'acknowledged'] as const;
type Fate = (typeof fates)[number];

const metric = fc.oneof(
  { weight: 5, arbitrary: fc.double({ min: 0, max: 100, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0.1, -0, undefined) },
);

/** Mostly a second apart, with repeats, gaps, and steps back beyond the lateness. */
const stepMs = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 200, max: 4_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: -12_000, max: 0 }) },
  { weight: 1, arbitrary: fc.integer({ min: 20_000, max: 90_000 }) },
);

const batch = fc.record({
  server: fc.constantFrom('a', 'b', 'replayed'),
  samples: fc.array(fc.record({ stepMs, cpu: metric, mem: metric }), {
    minLength: 1,
    maxLength: 20,
  }),
  pending: fc.boolean(),
  ticks: fc.constantFrom(0, 0, 1, 35),
});

const plan = fc.array(batch, { minLength: 1, maxLength: 12, size: 'max' }).map((batches) => {
  const newest = new Map<string, { tsMs: number; seq: number }>();
  return batches.map(({ server, samples, pending, ticks }): Step => {
    const at = newest.get(server) ?? { tsMs: fromMs, seq: 0 };
    newest.set(server, at);
    const first = at.tsMs;
    const records = samples.map(({ stepMs, cpu, mem }) => {
      at.tsMs = Math.max(fromMs, at.tsMs + stepMs);
      const replayed = server === 'replayed' ? { boot_id: replayId, origin_ms: fromMs + 3 } : {};
      const fields = { server_id: server, cpu_pct: cpu, mem_pct: mem, ...replayed };
      return sample({ ts: at.tsMs, seq: at.seq++, ...fields });
    });
    const header = {
      server_id: server,
      boot_id: 'boot',
      ...(pending ? { pending_from_ms: first } : {}),
    };
    return { records, header, ticks };
  });
});

interface Outcome {
  readonly samples: unknown[];
  readonly windows: unknown[];
  readonly fleet: unknown[];
}

/** Sends all steps; `fates[i]` is what happens to the collector at step i. */
async function outcomeOf(steps: readonly Step[], fates: readonly Fate[]): Promise<Outcome> {
  const dataDir = mkdtempSync(join(fastFolder, 'windrow-test-'));
  const clock = createManualClock();
  let rig = startRig(dataDir, clock);
  const restart = (): Rig => {
    rig.crash();
    return startRig(dataDir, clock);
  };
  try {
    for (const [i, { records, header, ticks }] of steps.entries()) {
      const fate = fates[i % fates.length] ?? 'lives';
      if (fate === 'lost') void rig.begin(records, header);
      else await rig.send(records, header);
      if (fate !== 'lives') rig = restart();
      if (fate === 'lost' || fate === 'unacknowledged') await rig.send(records, header);
      await rig.pass(ticks);
    }
    await finish(rig);
    return {
      samples: [...storedSamples(rig.db, everything)],
      windows: [...storedWindows(rig.db, everything)].filter((window) => window.final),
      fleet: [...storedFleetWindows(rig.db, everything)].filter(({ endMs }) => endMs <= noonMs),
    };
  } finally {
    rig.db.close();
    rmSync(dataDir, { recursive: true });
  }
}

/** One sample much later with nothing pending makes everything before it final. */
async function finish(rig: Rig): Promise<void> {
  rig.clock.advance(1_200_000);
  for (const server_id of ['a', 'b']) {
    const last = sample({ server_id, ts: noonMs + 600_000, seq: 1_000_000 });
    await rig.send([last], { server_id, boot_id: 'boot' });
  }
  await rig.send([endOfReplay(replayId, fromMs + 3)]);
  await rig.pass(40);
}

it('killed at any moments, again and again, it stores what it would have stored undisturbed', async () => {
  await fc.assert(
    fc.asyncProperty(
      plan,
      fc.array(fc.constantFrom(...fates), { minLength: 1, maxLength: 12, size: 'max' }),
      async (steps, fates) => {
        const undisturbed = await outcomeOf(steps, ['lives']);
        expect(undisturbed.samples.length).toBeGreaterThan(2);
        expect(await outcomeOf(steps, fates)).toEqual(undisturbed);
      },
    ),
    { numRuns: 150 },
  );
});
