/**
 * The bench `hash` in a process of its own, whose environment says which instructions OpenSSL may
 * use. Prints one line of JSON: `HashRun`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { calibrate } from '../native/sha256/calibrate.ts';
import { fastestEngine } from '../native/sha256/choose.ts';
import { ENGINE_NAMES, type EngineName } from '../native/sha256/engine.ts';
import { SpeedTest } from '../native/speed/speed-test.ts';
import type { Speed } from '../native/speed/trial.ts';

const rounds = 9;
const calibrationsMax = 10;
const forMs = 200;
const cores = availableParallelism();

/** What there is to hash at once, and what the engines do with it. */
const LOADS = [
  { name: 'one', streams: 1, threads: 1 },
  { name: 'four', streams: 4, threads: 1 },
  { name: 'all', streams: 4 * cores, threads: cores },
] as const;

export type LoadName = (typeof LOADS)[number]['name'];

export interface HashRun {
  /** Of each round, in the order of rounds. */
  readonly speeds: Readonly<Record<LoadName, Readonly<Record<EngineName, readonly Speed[]>>>>;
  /** What the calibration before it made of its figures. */
  readonly chosen: Readonly<Record<LoadName, EngineName>>;
  readonly calibrationMs: number;
}

const perEngine = <T>(of: (name: EngineName) => T): Record<EngineName, T> =>
  Object.fromEntries(ENGINE_NAMES.map((name) => [name, of(name)])) as Record<EngineName, T>;
const perLoad = <T>(of: (load: (typeof LOADS)[number]) => T): Record<LoadName, T> =>
  Object.fromEntries(LOADS.map((load) => [load.name, of(load)])) as Record<LoadName, T>;

async function hashRun(): Promise<HashRun> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  try {
    const startMs = performance.now();
    let { rates } = await calibrate({ folder });
    const calibrationMs = performance.now() - startMs;
    // What was measured in a busy moment is not kept: a machine goes by the first that is.
    for (let again = 0; again < calibrationsMax; again += 1)
      ({ rates } = await calibrate({ folder }));
    const chosen = perLoad((load) => fastestEngine(rates, load));
    return { speeds: await allRounds(), chosen, calibrationMs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each round has every engine at every load, so that what else the machine does meets all alike. */
async function allRounds(): Promise<HashRun['speeds']> {
  await using test = new SpeedTest(cores);
  const speeds = perLoad(() => perEngine(() => [] as Speed[]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, streams, threads } of LOADS) {
      for (const engine of ENGINE_NAMES) {
        const trial = { what: 'hash', engine, streams: streams / threads, forMs } as const;
        speeds[name][engine].push(await test.measure(trial, threads));
      }
    }
  }
  return speeds;
}

console.log(JSON.stringify(await hashRun()));
