import { Command } from 'commander';
import { availableParallelism, cpus } from 'node:os';
import { calibrate } from '../../native/sha256/calibrate.ts';
import { fastestEngine, type Load, type Rates, throughputOf } from '../../native/sha256/choose.ts';
import { ENGINE_NAMES, type EngineName } from '../../native/sha256/engine.ts';
import { SpeedTest } from '../../native/speed/speed-test.ts';
import type { Trial } from '../../native/speed/trial.ts';
import { plural } from '../../runtime/plural.ts';
import { cacheFolder } from '../hashing/cache-folder.ts';

/** Of each figure; there are some twenty. */
const trialMs = 250;
const streamsTogether = 4;

/** MB/s (10^6 bytes). */
interface HashSpeed {
  readonly engine: EngineName;
  readonly oneStream: number;
  readonly fourStreams: number;
  readonly fourStreamsOnEachCore: number;
}

interface Lz4Speed {
  readonly direction: 'compress' | 'decompress';
  readonly data: 'text' | 'random';
  readonly oneCore: number;
  readonly allCores: number;
}

interface Choice extends Load {
  readonly engine: EngineName;
  /** What the calibration expects of each engine, in MB/s. */
  readonly expected: Readonly<Record<EngineName, number>>;
}

interface Report {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly hash: readonly HashSpeed[];
  readonly lz4: readonly Lz4Speed[];
  readonly choices: readonly Choice[];
}

export function benchCommand(): Command {
  return new Command('bench')
    .description('how fast this machine hashes and compresses, and which engine is used for what')
    .option('--json', 'as one line of JSON')
    .action(async ({ json }: { json?: true }) => {
      const report = await measured();
      process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : textOf(report));
    });
}

async function measured(): Promise<Report> {
  const cores = availableParallelism();
  // Before the threads of the test are there; what `hash` then goes by is what is shown here.
  const { rates } = await calibrate({ folder: cacheFolder(), anew: true });
  await using test = new SpeedTest(cores);
  const mbps = async (trial: Trial, threads: number): Promise<number> =>
    Math.round((await test.measure(trial, threads)).mbps);
  const hash: HashSpeed[] = [];
  for (const engine of ENGINE_NAMES) {
    const trial = { what: 'hash', engine, streams: streamsTogether, forMs: trialMs } as const;
    hash.push({
      engine,
      oneStream: await mbps({ ...trial, streams: 1 }, 1),
      fourStreams: await mbps(trial, 1),
      fourStreamsOnEachCore: await mbps(trial, cores),
    });
  }
  const lz4: Lz4Speed[] = [];
  for (const data of ['text', 'random'] as const) {
    for (const direction of ['compress', 'decompress'] as const) {
      const trial = { what: 'lz4', data, direction, forMs: trialMs } as const;
      const oneCore = await mbps(trial, 1);
      lz4.push({ direction, data, oneCore, allCores: await mbps(trial, cores) });
    }
  }
  const choices = loadsOf(cores).map((load) => choiceFor(rates, load));
  const cpu = cpus()[0]?.model.trim() ?? 'unknown';
  return { cpu, cores, node: process.versions.node, hash, lz4, choices };
}

/** A single file; four on a thread; as many as keep all lanes of all cores busy. */
function loadsOf(cores: number): Load[] {
  const all = { streams: streamsTogether * cores, threads: cores };
  const loads = [
    { streams: 1, threads: 1 },
    { streams: streamsTogether, threads: 1 },
  ];
  return cores === 1 ? loads : [...loads, all];
}

function choiceFor(rates: Rates, load: Load): Choice {
  const expected = Object.fromEntries(
    ENGINE_NAMES.map((name) => [name, Math.round(throughputOf(name, rates, load))]),
  ) as Record<EngineName, number>;
  return { ...load, engine: fastestEngine(rates, load), expected };
}

function textOf({ cpu, cores, node, hash, lz4, choices }: Report): string {
  const columns = ['1 stream', '4 streams', `4 on each of ${cores}`];
  const ofCores = ['1 core', cores === 1 ? 'all cores' : `${cores} cores`];
  return [
    `${cpu}, ${plural(cores, 'core')}, Node ${node}`,
    '',
    row('SHA-256, MB/s', columns),
    ...hash.map((speed) =>
      row(`  ${speed.engine}`, [speed.oneStream, speed.fourStreams, speed.fourStreamsOnEachCore]),
    ),
    '',
    row('LZ4, MB/s', ofCores),
    ...lz4.map((speed) =>
      row(`  ${speed.direction} ${speed.data}`, [speed.oneCore, speed.allCores]),
    ),
    '',
    'Used, by what was measured at the calibration:',
    ...choices.map((choice) => `  ${reasonFor(choice)}`),
    '',
  ].join('\n');
}

function row(name: string, cells: readonly (string | number)[]): string {
  return name.padEnd(20) + cells.map((cell) => String(cell).padStart(16)).join('');
}

/** `1 stream on 1 thread: openssl, 1446 MB/s (hash-wasm 246, simd4 304)` */
function reasonFor({ streams, threads, engine, expected }: Choice): string {
  const others = ENGINE_NAMES.filter((name) => name !== engine).map(
    (name) => `${name} ${expected[name]}`,
  );
  const load = `${plural(streams, 'stream')} on ${plural(threads, 'thread')}`;
  return `${load}: ${engine}, ${expected[engine]} MB/s (${others.join(', ')})`;
}
