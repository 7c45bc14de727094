/**
 * `npm run finding:kafkajs`: what became of messages that a client said were written, when the answer
 * to one request is lost while others wait; and what a client costs that has nothing to do. On a real
 * Apache Kafka; ends with one line of JSON. The record is docs/decisions/0002-platformatic-kafka.md.
 */
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createLogger } from '../../runtime/logging.ts';
import { createKafkaLog } from '../../wire/transport/kafka/log.ts';
import type { Log } from '../../wire/transport/log/port.ts';
import { KafkaCluster } from '../kafka/cluster.ts';
import { install } from '../kafka/install.ts';
import { type Client, CLIENTS } from './clients.ts';
import { LossyProxy } from './lossy-proxy.ts';

const rounds = 5;
const messages = 200;
const atOnce = 20;
const never = new AbortController().signal;

interface Outcome {
  acknowledged: number;
  /** Acknowledged, and not in the topic. */
  missing: number;
  /** In the topic more than once. */
  doubled: number;
  lostAnswers: number;
  /** Of one core, percent. */
  idleCpuPct: number;
}

await using proxy = await LossyProxy.open();
const options = { nodes: 1, advertisedPorts: [proxy.port] };
await using cluster = await KafkaCluster.start(await install(never), options, never);
proxy.leadTo(cluster.nodes[0]?.ports.client ?? 0);
const settings = { brokers: cluster.brokers, clientId: 'reader', tls: undefined, sasl: undefined };
const log = createKafkaLog(settings, await createLogger('finding', 'silent'));

process.stdout.write(
  `${rounds} rounds of ${messages} messages to one partition, ${atOnce} at once; one answer lost in each. ` +
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}\n`,
);
const outcomes: Record<string, Outcome> = {};
for (const [name, open] of Object.entries(CLIENTS)) {
  outcomes[name] = await outcomeOf(name, open);
  process.stdout.write(`${name}: ${JSON.stringify(outcomes[name])}\n`);
}
process.stdout.write(`${JSON.stringify({ finding: 'kafkajs', outcomes })}\n`);

async function outcomeOf(
  name: string,
  open: (brokers: readonly string[]) => Promise<Client>,
): Promise<Outcome> {
  const sum = { acknowledged: 0, missing: 0, doubled: 0, lostAnswers: 0, idleCpuPct: 0 };
  const client = await open(cluster.brokers);
  const before = proxy.lost;
  const prefix = name.replaceAll(/[^a-z]/g, '');
  for (let round = 0; round < rounds; round += 1) {
    const topic = `${prefix}-${round}`;
    await makeTopic(topic);
    // Not the first one, which waits for nothing, and another one each time.
    proxy.loseAnswer(10 + round);
    const acknowledged = await sendAll(client, topic);
    const copies = await countIn(log, topic);
    sum.acknowledged += acknowledged.length;
    sum.missing += acknowledged.filter((value) => !copies.has(value)).length;
    sum.doubled += [...copies.values()].filter((count) => count > 1).length;
  }
  sum.lostAnswers = proxy.lost - before;
  await client.close();
  sum.idleCpuPct = await idleCpuPct(name, `${prefix}-0`);
  return sum;
}

async function makeTopic(name: string): Promise<void> {
  const admin = log.admin();
  await admin.ensure([{ name, partitions: 1, replicas: 1, settings: {} }], never);
  await admin.close();
}

/** @returns the messages that the client said were written */
async function sendAll(client: Client, topic: string): Promise<string[]> {
  const waiting = Array.from({ length: messages }, (_, index) => `${index}`);
  const acknowledged: string[] = [];
  const worker = async (): Promise<void> => {
    for (let value = waiting.shift(); value !== undefined; value = waiting.shift()) {
      const written = await client.send(topic, value).then(
        () => true,
        () => false,
      );
      if (written) acknowledged.push(value);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, () => worker()));
  return acknowledged;
}

/** Each message of the topic, and how often it is there. */
async function countIn(source: Log, topic: string): Promise<ReadonlyMap<string, number>> {
  const copies = new Map<string, number>();
  const caughtUp = new AbortController();
  await source.reader(topic).follow(
    [],
    {
      async take(records) {
        for (const { value } of records) {
          copies.set(String(value), (copies.get(String(value)) ?? 0) + 1);
        }
      },
      caughtUp: () => caughtUp.abort(),
    },
    caughtUp.signal,
  );
  return copies;
}

/** In a process of its own: what others of this one do would count. */
async function idleCpuPct(name: string, topic: string): Promise<number> {
  const script = fileURLToPath(new URL('./idle.ts', import.meta.url));
  const args = [script, name, cluster.brokers.join(','), topic];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}
