/**
 * `bench transfer [--gib 2 | --file-gib 10 | --short]`: files from `windrow-agent send` to a collector on loopback, and
 * through a broker of Kafka to `windrow-agent receive`; each a process of its own, blocks verified and
 * synced to the disk before they are acknowledged. Beside them, in the same run: `cp` and `sync` of the
 * same files, which is what the disk does without network and hash; and Kafka's own two performance
 * programs, which carry as many bytes in records of the same size through the same broker and store
 * nothing.
 *
 * What the goal is about is `kafkaRandomOfPerformance`: random bytes alone, which do not compress, so
 * that records have the same size and hold the same data on both sides. Of all files together there
 * are two more ratios, since ours travel compressed and theirs do not: `kafkaOfPerformance` counts the
 * files, `kafkaSentOfPerformance` what travels, in records that are smaller than theirs.
 *
 * `--short` tells whether it works: little data, one run; `--file-gib N` sends one file of random
 * bytes once, to see what memory a large one takes.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KafkaCluster } from '../scripts/kafka/cluster.ts';
import { install } from '../scripts/kafka/install.ts';
import { gibOf, KINDS, type Kind, makeFiles } from './blocks-data.ts';
import { makeTopics, never, openLog, startBroker } from './kafka-log.ts';
import { type Carried, carriedByKafka } from './kafka-perf.ts';
import { type BenchResult, median, rounded } from './result.ts';
import { type Run, sendDirect, sendThroughKafka } from './transfer-run.ts';

const gibUsual = 2;
const runsUsual = 3;
const gibShort = 0.1;
/** Of what Kafka's own two programs carry. */
const randomOfPerformanceGoal = 0.6;
const rssMibGoal = 200;

interface Plan {
  readonly gib: number;
  readonly kinds: readonly Kind[];
  readonly runs: number;
}

function planOf(args: readonly string[]): Plan {
  if (args[0] === '--short' && args.length === 1) return { gib: gibShort, kinds: KINDS, runs: 1 };
  if (args[0] === '--file-gib') {
    return { gib: gibOf(args, gibUsual, '--file-gib'), kinds: ['random'], runs: 1 };
  }
  return { gib: gibOf(args, gibUsual), kinds: KINDS, runs: runsUsual };
}

interface Round {
  readonly direct: Run;
  readonly kafka: Run;
  /** Of the file of random bytes alone. */
  readonly random: Run;
  readonly copyMbps: number;
  readonly carried: Carried;
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const { gib, kinds, runs } = planOf(args);
  const bytes = Math.floor((gib * 1024 ** 3) / kinds.length);
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  try {
    const files = makeFiles(folder, bytes, kinds);
    const paths = Object.values(files);
    await using broker = await startBroker();
    const brokers = broker.brokers.join(',');
    // Fills Node's cache of compiled code, without which each process takes 50 MB more.
    const warmUp = [fileURLToPath(import.meta.url)];
    await apart(folder, (own) => sendDirect(own, warmUp));
    await apart(folder, (own) => sendThroughKafka(brokers, own, warmUp));
    const rounds: Round[] = [];
    for (let i = 0; i < runs; i += 1) {
      const throughKafka = (sent: readonly string[]): Promise<Run> =>
        apart(folder, (own) => sendThroughKafka(brokers, own, sent));
      const direct = await apart(folder, (own) => sendDirect(own, paths));
      const kafka = await throughKafka(paths);
      rounds.push({
        direct,
        kafka,
        random: paths.length === 1 ? kafka : await throughKafka([files.random]),
        copyMbps: copyMbps(paths, folder, bytes * paths.length),
        carried: await carriedAlone(broker, `perf-${i}`, bytes * paths.length),
      });
      console.log(`run ${i + 1} of ${runs} is done`);
    }
    const goals = `kafkaRandomOfPerformance ${randomOfPerformanceGoal} × or more; RSS of each ${rssMibGoal} MiB or less`;
    console.log(`goals: ${goals}`);
    return resultOf(rounds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function resultOf(rounds: readonly Round[]): BenchResult {
  const middle = (of: (round: Round) => number): number => rounded(median(rounds.map(of)));
  const most = (of: (round: Round) => number): number => Math.round(Math.max(...rounds.map(of)));
  // What both of them together come to.
  const kafkaMbps = ({ carried }: Round): number =>
    Math.min(carried.producerMbps, carried.consumerMbps);
  return {
    bench: 'transfer',
    figures: {
      directMbps: middle(({ direct }) => direct.mbps),
      kafkaMbps: middle(({ kafka }) => kafka.mbps),
      kafkaSentMbps: middle(({ kafka }) => kafka.sentMbps),
      kafkaRandomMbps: middle(({ random }) => random.mbps),
      copyMbps: middle((round) => round.copyMbps),
      producerPerformanceMbps: middle(({ carried }) => carried.producerMbps),
      consumerPerformanceMbps: middle(({ carried }) => carried.consumerMbps),
      directSenderCpuSeconds: middle(({ direct }) => direct.senderCpuSeconds),
      kafkaSenderCpuSeconds: middle(({ kafka }) => kafka.senderCpuSeconds),
      directSenderRssMibMax: most(({ direct }) => direct.senderRssMib),
      collectorRssMibMax: most(({ direct }) => direct.receiverRssMib),
      kafkaSenderRssMibMax: most(({ kafka }) => kafka.senderRssMib),
      kafkaReceiverRssMibMax: most(({ kafka }) => kafka.receiverRssMib),
    },
    ratios: {
      directOfCopy: middle((round) => round.direct.mbps / round.copyMbps),
      kafkaOfPerformance: middle((round) => round.kafka.mbps / kafkaMbps(round)),
      kafkaRandomOfPerformance: middle((round) => round.random.mbps / kafkaMbps(round)),
      kafkaSentOfPerformance: middle((round) => round.kafka.sentMbps / kafkaMbps(round)),
    },
  };
}

/** In a folder of its own, gone after it. */
async function apart<T>(folder: string, work: (own: string) => Promise<T>): Promise<T> {
  const own = mkdtempSync(join(folder, 'run-'));
  try {
    return await work(own);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

async function carriedAlone(broker: KafkaCluster, topic: string, bytes: number): Promise<Carried> {
  await makeTopics(await openLog(broker.brokers), [topic]);
  const brokers = broker.brokers.join(',');
  return carriedByKafka(await install(never), { brokers, topic, bytes });
}

function copyMbps(paths: readonly string[], folder: string, bytes: number): number {
  const startMs = performance.now();
  for (const path of paths) {
    const copy = join(folder, 'copy');
    execFileSync('cp', ['--reflink=never', path, copy]);
    execFileSync('sync', [copy]);
    rmSync(copy);
  }
  return bytes / 1e3 / (performance.now() - startMs);
}
