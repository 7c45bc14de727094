/**
 * `bench kafka-ingest`: what waits on a real broker, on this machine, through decode, windows and
 * SQLite of one real collector: our samples as a backlog and as agents send them all day, and the
 * old producer's four records of each sample. Beside it, reading the same topics alone: by our own
 * client, with nothing behind it, and by kafkajs.
 */
import { fileURLToPath } from 'node:url';
import { fillTopics, takeIn, type Taken } from './kafka-collectors.ts';
import { type Kind, KINDS, recordsOf, topicsOf } from './kafka-kinds.ts';
import { startBroker } from './kafka-log.ts';
import { finished, firstLine, spawnNode } from './programs.ts';
import { type BenchResult, median, rounded } from './result.ts';

const runs = 3;
const servers = 1_000;
/** A whole number of batches of each server; some 15 s, of which the first two are compiling. */
const samplesOf: Readonly<Record<Kind, number>> = {
  batches: 1_800_000,
  live: 600_000,
  'seed-a': 300_000,
};
const READERS = ['windrow', 'kafkajs'] as const;

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export async function run(): Promise<BenchResult> {
  const figures: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  for (const kind of KINDS) {
    const measured = await measure(kind);
    const name = kind.replace('-', '_');
    for (const [figure, value] of Object.entries(measured.figures)) {
      figures[`${name}_${figure}`] = rounded(value);
    }
    for (const [ratio, value] of Object.entries(measured.ratios)) {
      ratios[`${name}_${ratio}`] = rounded(value);
    }
  }
  return { bench: 'kafka-ingest', figures, ratios };
}

async function measure(kind: Kind): Promise<Omit<BenchResult, 'bench'>> {
  const samples = samplesOf[kind];
  const records = samples * recordsOf(kind);
  await using broker = await startBroker();
  const { brokers } = broker;
  const filledMs = performance.now();
  await fillTopics(brokers, { kind, servers, samples });
  const fillS = (performance.now() - filledMs) / 1_000;
  const taken: Taken[] = [];
  const read = new Map<string, number[]>(READERS.map((reader) => [reader, []]));
  for (let i = 0; i < runs; i += 1) {
    taken.push(await takeIn({ brokers, collectors: 1, records }));
    for (const [reader, speeds] of read) {
      const args = [brokers.join(','), reader, String(records), ...topicsOf(kind)];
      const child = spawnNode([here('./kafka-bare.ts'), ...args]);
      speeds.push(Number(await firstLine(child)));
      await finished(child);
    }
    console.log(`${kind}: run ${i + 1} of ${runs} is done`);
  }
  const of = (figure: keyof Taken): number => median(taken.map((each) => each[figure]));
  const readBy = (reader: string): number => median(read.get(reader) ?? []);
  const recordsPerSecond = of('recordsPerSecond');
  return {
    figures: {
      filledRecordsPerSecond: records / fillS,
      samplesPerSecond: recordsPerSecond / recordsOf(kind),
      recordsPerSecond,
      cpuUsPerRecord: of('cpuUsPerRecord'),
      drainS: of('drainS'),
      rssMibMax: Math.max(...taken.map(({ rssMibMax }) => rssMibMax)),
      recordsMissing: Math.max(...taken.map(({ recordsMissing }) => recordsMissing)),
      bareRecordsPerSecond: readBy('windrow'),
      kafkajsRecordsPerSecond: readBy('kafkajs'),
    },
    ratios: {
      ofBare: recordsPerSecond / readBy('windrow'),
      ofKafkajs: recordsPerSecond / readBy('kafkajs'),
    },
  };
}
