/**
 * Real processes under a seeded schedule of faults. CHAOS_SEED=123 runs that one seed;
 * CHAOS_SEEDS=200 says how many.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningCollector, startCollector, tempDir } from '../support/programs.ts';
import { mayMount } from '../support/small-disk.ts';
import { violationsOf } from './invariants/all.ts';
import { run } from './run.ts';
import { scheduleOf, withoutDisks } from './schedule.ts';
import { collectorEnv } from './settings.ts';
import { uninterruptedWindows } from './uninterrupted.ts';

/** A person's machine tries a few of them; CI all that it has time for. */
const seedsDefault = process.env['CI'] ? 200 : 10;
/** The longest waits of run.ts, some of them one after the other. */
const runMsMax = 400_000;

function seeds(): number[] {
  const { CHAOS_SEED: one, CHAOS_SEEDS: count } = process.env;
  if (one !== undefined) return [Number(one)];
  return Array.from({ length: Number(count ?? seedsDefault) }, (_, i) => i + 1);
}

const disks = mayMount();
const folder = tempDir();
/** Compiled code of the many short-lived processes. */
const env = { NODE_COMPILE_CACHE: join(folder.path, 'compiled') };
let uninterrupted: RunningCollector;

beforeAll(async () => {
  // One that ends well leaves the cache that the others, which are killed, start from.
  const first = await startCollector({ env });
  await first[Symbol.asyncDispose]();
  uninterrupted = await startCollector({ env: { ...env, ...collectorEnv } });
});

afterAll(async () => {
  await uninterrupted[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

describe.concurrent('whatever fails, nothing is lost, doubled or wrong', () => {
  it.each(seeds())(
    'seed %i',
    async (seed) => {
      const drawn = scheduleOf(seed);
      const schedule = disks ? drawn : withoutDisks(drawn);
      const own = mkdtempSync(join(folder.path, `seed-${seed}-`));
      const outcome = await run({ schedule, folder: own, env });
      const samples = outcome.servers.flatMap((server) => server.samples);
      const windows = await uninterruptedWindows(uninterrupted, samples);
      const violations = violationsOf(outcome, windows);
      const about = `CHAOS_SEED=${seed} ${JSON.stringify(schedule)}\n${outcome.logs}`;
      expect(violations, about).toEqual([]);
    },
    runMsMax,
  );
});
