/**
 * `bench kafka-latency`: how long after a breach somebody is told, over a real broker and beside it,
 * at the same time and under the same load, directly. 200 live servers, each of which breaches once
 * at a random moment: agent's sample → Kafka → window → alert → webhook.
 *
 * Three figures: from the window's own end; what is added beyond that and the lateness that it waits
 * (5 s less), of which half a second is that a server's next sample comes within a second; and from
 * the acknowledgment of the sample that completes the window.
 *
 * With `--no-lateness` windows wait for none, and the first two are the same.
 *
 * Then the first two of ten real agents, whose machine gets short of memory and has it back: there
 * the samples are taken, kept and sent by agents, and over is told as well.
 */
import {
  AlertLoad,
  defaultLatenessMs,
  overHttp,
  overKafka,
  SERVERS,
  type Transport,
} from './alerts-load.ts';
import { delays } from './alerts-receiver.ts';
import { startBroker } from './kafka-log.ts';
import { AGENTS, measureAgents } from './latency-agents.ts';
import { startTelling } from './latency-collector.ts';
import { type BenchResult, median, quantile, rounded } from './result.ts';

const runs = 3;

const SHARES = [
  ['P50', 0.5],
  ['P99', 0.99],
] as const;

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

export async function run(args: readonly string[]): Promise<BenchResult> {
  const latenessMs = args.includes('--no-lateness') ? 0 : defaultLatenessMs;
  const measured: Record<Way, Measured[]> = { kafka: [], direct: [] };
  for (let i = 0; i < runs; i += 1) {
    await using broker = await startBroker();
    const { brokers } = broker;
    const scenes = WAYS.map(async (way) =>
      measured[way].push(await measure(way, { brokers, latenessMs })),
    );
    await Promise.all(scenes);
    console.log(`run ${i + 1} of ${runs} is done`);
  }
  const figures: Record<string, number> = { servers: SERVERS, latenessMs };
  for (const way of WAYS) {
    for (const figure of ['toldAfterEndMs', 'addedMs', 'toldMs'] as const) {
      for (const [name, share] of SHARES) {
        const each = measured[way].map((one) => quantile(one[figure], share));
        figures[`${way}_${figure}${name}`] = rounded(median(each));
      }
    }
    const untold = measured[way].map(({ toldMs }) => SERVERS - toldMs.length);
    figures[`${way}_breachesUntold`] = Math.max(...untold);
  }
  Object.assign(figures, await agentFigures(latenessMs));
  const ratio = (figure: string): number =>
    rounded((figures[`kafka_${figure}`] ?? 0) / (figures[`direct_${figure}`] ?? 0));
  const ratios = { addedP50: ratio('addedMsP50'), addedP99: ratio('addedMsP99') };
  return { bench: 'kafka-latency', figures, ratios };
}

async function measure(
  way: Way,
  { brokers, latenessMs }: { brokers: readonly string[]; latenessMs: number },
): Promise<Measured> {
  const from = way === 'kafka' ? brokers : [];
  await using collector = await startTelling({ brokers: from, latenessMs });
  const transport: Transport = way === 'kafka' ? await overKafka(brokers) : overHttp(collector.url);
  const load = new AlertLoad(transport, latenessMs);
  await load.run();
  const told = collector.firstMs();
  const toldAfterEndMs = delays(told, load.endedMs());
  const addedMs = toldAfterEndMs.map((ms) => ms - latenessMs);
  return { toldAfterEndMs, addedMs, toldMs: delays(told, load.completedMs()) };
}

async function agentFigures(latenessMs: number): Promise<Record<string, number>> {
  await using broker = await startBroker();
  const { toldAfterEndMs, missing } = await measureAgents(broker.brokers, latenessMs);
  const figures: Record<string, number> = { agents: AGENTS };
  for (const [name, share] of SHARES) {
    const afterEndMs = quantile(toldAfterEndMs, share);
    figures[`agents_toldAfterEndMs${name}`] = rounded(afterEndMs);
    figures[`agents_addedMs${name}`] = rounded(afterEndMs - latenessMs);
  }
  return { ...figures, agents_noticesTold: toldAfterEndMs.length, agents_noticesMissing: missing };
}
