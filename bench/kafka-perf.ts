/**
 * Kafka's own measure of what brokers carry: its ProducerPerformance and its ConsumerPerformance at
 * the same time on one topic, each record as large as a chunk of a file, the default settings: a
 * producer that is idempotent and waits for all replicas, as ours are, no compression, and up to five
 * requests on their way. What is in a record makes no difference to them: nobody looks into it.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Installation } from '../scripts/kafka/java.ts';
import { rawChunkBytes } from '../wire/limits.ts';

/** Of the version of the broker. */
const artifact = 'org.apache.kafka:kafka-tools:4.3.1';
const pom = fileURLToPath(new URL('../scripts/kafka/pom.xml', import.meta.url));
const fetchMsMax = 5 * 60_000;
const runMsMax = 15 * 60_000;
/** Without anything new; it begins before the producer does. */
const consumerMsMax = 60_000;
const bytesPerMib = 1024 * 1024;

export interface Carried {
  /** Of records. */
  readonly producerMbps: number;
  readonly consumerMbps: number;
}

/** @param topic must be there, and empty */
export async function carriedByKafka(
  { classPath }: Installation,
  { brokers, topic, bytes }: { brokers: string; topic: string; bytes: number },
): Promise<Carried> {
  const records = Math.ceil(bytes / rawChunkBytes);
  const path = `${classPath}:${join(await toolsBeside(dirname(classPath)), '*')}`;
  const java = async (program: string, args: readonly string[]): Promise<string> => {
    const all = ['-Xmx512m', '-cp', path, `org.apache.kafka.tools.${program}`, ...args];
    const { stdout } = await promisify(execFile)('java', all, { timeout: runMsMax });
    return stdout;
  };
  const at = ['--bootstrap-server', brokers, '--topic', topic, '--num-records', `${records}`];
  const wait = ['--timeout', `${consumerMsMax}`];
  const consuming = java('ConsumerPerformance', at.concat(wait));
  consuming.catch(() => {});
  const size = ['--record-size', `${rawChunkBytes}`, '--throughput', '-1'];
  const produced = await java('ProducerPerformance', at.concat(size));
  return { producerMbps: producerMbpsIn(produced), consumerMbps: consumerMbpsIn(await consuming) };
}

/** `500 records sent, 118.9 records/sec (111.51 MB/sec), …`, the last of its lines. */
function producerMbpsIn(output: string): number {
  const found = [...output.matchAll(/\(([\d.]+) MB\/sec\)/g)].at(-1);
  return mbpsOf(found?.[1], output);
}

/** A line of names and one of values, with the time apart in which the consumer joined its group. */
function consumerMbpsIn(output: string): number {
  const [names = [], values = []] = output
    .trim()
    .split('\n')
    .filter((line) => line.includes(', '))
    .slice(-2)
    .map((line) => line.split(', '));
  return mbpsOf(values[names.indexOf('fetch.MB.sec')], output);
}

/** What they call MB are MiB. */
function mbpsOf(mib: string | undefined, output: string): number {
  const mbps = (Number(mib) * bytesPerMib) / 1e6;
  if (mbps > 0) return mbps;
  throw new Error(`Kafka's own measure failed: ${output}`);
}

/** The jar that has both programs: the broker does without. Fetched once. */
async function toolsBeside(lib: string): Promise<string> {
  const folder = join(dirname(lib), 'tools');
  if (existsSync(folder)) return folder;
  const part = mkdtempSync(`${folder}.`);
  try {
    const goal = ['dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${part}`];
    await promisify(execFile)('mvn', ['-q', '-B', '--strict-checksums', '-f', pom, ...goal], {
      timeout: fetchMsMax,
    });
    renameSync(part, folder);
    return folder;
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}
