/**
 * SHA-256 with each engine: one stream, four on a core, four on each core; as this machine is, and
 * with OpenSSL kept from the CPU's own instructions for it (SHA-NI), as on a CPU without them. And
 * how far what a calibration chooses is from the best.
 *
 * Speeds are for each second of the CPU, so that what else runs here counts little. How several
 * cores compare to one is by the clock as well, which tells it of a machine that does nothing else.
 */
import { availableParallelism } from 'node:os';
import type { Speed } from '../native/speed/trial.ts';
import { ENGINE_NAMES, type EngineName } from '../native/sha256/engine.ts';
import type { HashRun, LoadName } from './hash-run.ts';
import { finished, firstLine, spawnNode } from './programs.ts';
import { type BenchResult, median, rounded } from './result.ts';

/** Bit 29 of the second word of OPENSSL_ia32cap is SHA-NI, as EBX has it in leaf 7 of CPUID. */
const withoutShaNi = { OPENSSL_ia32cap: ':~0x20000000' };
const TITLES = { one: '1', four: '4 on a core', all: '4 on each core' } as const;
const LOAD_NAMES = ['one', 'four', 'all'] as const satisfies readonly LoadName[];

export async function run(): Promise<BenchResult> {
  const asItIs = await hashRun({});
  const without = await hashRun(withoutShaNi);
  print('as this machine is', asItIs);
  print('OpenSSL without SHA-NI', without);
  const cores = availableParallelism();
  return {
    bench: 'hash',
    figures: { ...figuresOf('', asItIs), ...figuresOf('without_shani_', without) },
    ratios: {
      simd4_to_hash_wasm: ratio(without, ['four', 'simd4'], ['four', 'hash-wasm']),
      simd4_to_openssl_without_shani: ratio(without, ['four', 'simd4'], ['four', 'openssl']),
      openssl_to_simd4: ratio(asItIs, ['four', 'openssl'], ['four', 'simd4']),
      simd4_one_stream_to_hash_wasm: ratio(without, ['one', 'simd4'], ['one', 'hash-wasm']),
      [`simd4_${cores}_cores_to_1`]: coresToOne(without, 'simd4'),
      [`simd4_${cores}_cores_to_1_by_cpu`]: ratio(without, ['all', 'simd4'], ['four', 'simd4']),
      [`openssl_${cores}_cores_to_1`]: coresToOne(asItIs, 'openssl'),
      choice_to_best: choiceToBest(asItIs),
      choice_to_best_without_shani: choiceToBest(without),
    },
  };
}

async function hashRun(env: NodeJS.ProcessEnv): Promise<HashRun> {
  const child = spawnNode(['bench/hash-run.ts'], env);
  const answer = await firstLine(child);
  await finished(child);
  return JSON.parse(answer) as HashRun;
}

type Cell = readonly [LoadName, EngineName];

function ratio({ speeds }: HashRun, [load, engine]: Cell, [otherLoad, otherEngine]: Cell): number {
  return quotient(speeds[load][engine], speeds[otherLoad][otherEngine], ({ cpuMbps }) => cpuMbps);
}

function coresToOne({ speeds }: HashRun, engine: EngineName): number {
  return quotient(speeds.all[engine], speeds.four[engine], ({ mbps }) => mbps);
}

/** The median over the rounds of what one does for each that the other does in the same round. */
function quotient(
  speeds: readonly Speed[],
  others: readonly Speed[],
  of: (speed: Speed) => number,
): number {
  const quotients = speeds.map((speed, round) => {
    const other = others[round];
    return other === undefined ? Number.NaN : of(speed) / of(other);
  });
  return rounded(median(quotients));
}

/** Of the load at which the choice was the worst. */
function choiceToBest(run: HashRun): number {
  const quotients = LOAD_NAMES.map((load) => {
    const best = Math.max(...ENGINE_NAMES.map((engine) => medianOf(run, [load, engine])));
    return medianOf(run, [load, run.chosen[load]]) / best;
  });
  return rounded(Math.min(...quotients));
}

function medianOf({ speeds }: HashRun, [load, engine]: Cell): number {
  return median(speeds[load][engine].map(({ cpuMbps }) => cpuMbps));
}

function figuresOf(prefix: string, run: HashRun): Record<string, number> {
  const figures: Record<string, number> = {
    [`${prefix}calibration_ms`]: rounded(run.calibrationMs),
  };
  for (const load of LOAD_NAMES) {
    for (const engine of ENGINE_NAMES) {
      const name = `${prefix}${engine.replace('-', '_')}_${load}_mbps`;
      figures[name] = rounded(medianOf(run, [load, engine]));
    }
  }
  return figures;
}

function print(title: string, run: HashRun): void {
  console.log(`\n${title}, MB a second of the CPU`);
  const rowOf = (load: LoadName) => [
    ['streams', TITLES[load]],
    ...ENGINE_NAMES.map((engine) => [engine, Math.round(medianOf(run, [load, engine]))]),
    ['chosen', run.chosen[load]],
  ];
  console.table(LOAD_NAMES.map((load) => Object.fromEntries(rowOf(load))));
}
