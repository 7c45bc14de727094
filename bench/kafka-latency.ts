/**
 * `bench kafka-latency`: how long after a breach somebody is told, over a real broker and beside it,
 * at the same time and under the same load, directly. 200 live servers, each of which breaches once
 * at a random moment: agent's sample → Kafka → window → alert → webhook.
 *
 * Three figures: from the window's own end; what is added beyond that and the lateness that it waits
 * (5 s less), of which half a second is that a server's next sample comes within a second; and from
 * the acknowledgment of the sample that completes the window.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  AlertLoad,
  latenessMs,
  overHttp,
  overKafka,
  SERVERS,
  type Transport,
} from './alerts-load.ts';
import { alertsYaml, type BenchReceiver, delays, startReceiver } from './alerts-receiver.ts';
import { startBroker } from './kafka-log.ts';
import { finished, firstLine, spawnNode } from './programs.ts';
import { type BenchResult, median, quantile, rounded } from './result.ts';

const runs = 3;
const readyMsMax = 60_000;
const collectorMain = fileURLToPath(new URL('../collector/main.ts', import.meta.url));

const WAYS = ['kafka', 'direct'] as const;
type Way = (typeof WAYS)[number];

interface Measured {
  /** From the window's end, of each server that was told of. */
  readonly toldAfterEndMs: readonly number[];
  /** Beyond the lateness behind it. */
  readonly addedMs: readonly number[];
  /** From the acknowledgment that completed the window. */
  readonly toldMs: readonly number[];
}

export async function run(): Promise<BenchResult> {
  const measured: Record<Way, Measured[]> = { kafka: [], direct: [] };
  for (let i = 0; i < runs; i += 1) {
    await using broker = await startBroker();
    const scenes = WAYS.map(async (way) => measured[way].push(await measure(way, broker.brokers)));
    await Promise.all(scenes);
    console.log(`run ${i + 1} of ${runs} is done`);
  }
  const figures: Record<string, number> = { servers: SERVERS };
  for (const way of WAYS) {
    for (const figure of ['toldAfterEndMs', 'addedMs', 'toldMs'] as const) {
      for (const [name, share] of [
        ['P50', 0.5],
        ['P99', 0.99],
      ] as const) {
        const each = measured[way].map((one) => quantile(one[figure], share));
        figures[`${way}_${figure}${name}`] = rounded(median(each));
      }
    }
    const untold = measured[way].map(({ toldMs }) => SERVERS - toldMs.length);
    figures[`${way}_breachesUntold`] = Math.max(...untold);
  }
  const ratio = (figure: string): number =>
    rounded((figures[`kafka_${figure}`] ?? 0) / (figures[`direct_${figure}`] ?? 0));
  const ratios = { addedP50: ratio('addedMsP50'), addedP99: ratio('addedMsP99') };
  return { bench: 'kafka-latency', figures, ratios };
}

async function measure(way: Way, brokers: readonly string[]): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'));
  const receiver = await startReceiver();
  let collector: ChildProcess | undefined;
  try {
    collector = startCollector(folder, receiver, way === 'kafka' ? brokers : []);
    const url = (await firstLine(collector)).replace(/^ready /, '');
    await untilReady(url);
    const transport: Transport = way === 'kafka' ? await overKafka(brokers) : overHttp(url);
    const load = new AlertLoad(transport);
    await load.run();
    const told = receiver.firstMs('/windrow');
    const toldAfterEndMs = delays(told, load.endedMs());
    const addedMs = toldAfterEndMs.map((ms) => ms - latenessMs);
    return { toldAfterEndMs, addedMs, toldMs: delays(told, load.completedMs()) };
  } finally {
    collector?.kill('SIGTERM');
    if (collector !== undefined) await finished(collector);
    await receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Until it may take samples in: on Kafka the group gives it its share first. */
async function untilReady(url: string): Promise<void> {
  const untilMs = performance.now() + readyMsMax;
  while (!(await fetch(`${url}/readyz`)).ok) {
    if (performance.now() > untilMs) throw new Error('the collector takes nothing in');
    await pause(100);
  }
}

/** @param brokers none: it takes samples directly */
function startCollector(
  folder: string,
  receiver: BenchReceiver,
  brokers: readonly string[],
): ChildProcess {
  const alerts = join(folder, 'alerts.yaml');
  writeFileSync(alerts, alertsYaml(`${receiver.url}/windrow`));
  const args = ['serve', '--port', '0', '--data', join(folder, 'data')];
  const kafka = brokers.length === 0 ? [] : ['--kafka', brokers.join(',')];
  const env = { WINDROW_ALERTS: alerts, WINDROW_LOG: 'warn' };
  return spawnNode([collectorMain, ...args, ...kafka], env);
}
