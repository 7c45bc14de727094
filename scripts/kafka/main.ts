/**
 * `npm run kafka [-- --nodes N] [-- --data DIR]`: a real Apache Kafka on this PC until Ctrl-C. Its
 * first line of output is `ready 127.0.0.1:PORT`, with commas between several.
 */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { runCli } from '../../runtime/cli.ts';
import { aborted, signalOfProcess, unlessStopped } from '../../runtime/lifecycle.ts';
import { signalOfParent } from '../signal-of-parent.ts';
import { type ClusterOptions, KafkaCluster } from './cluster.ts';
import { install, kafkaVersion } from './install.ts';
import type { Installation } from './java.ts';
import { nodesMax } from './layout.ts';

interface Flags {
  readonly nodes?: number;
  readonly data?: string;
  readonly prepare?: true;
}

const program = new Command('npm run kafka --')
  .description('run a real Apache Kafka on this PC, for trying it out')
  .option(
    '--nodes <n>',
    `brokers, 1 to ${nodesMax} (default: as the folder has; 1 in a new one)`,
    nodeCount,
  )
  .option(
    '--data <dir>',
    'keep topics in this folder (default: a new one, removed at the end)',
    dataFolder,
  )
  .option('--prepare', 'only fetch what it needs')
  .action((flags: Flags) => run(flags));

await runCli(program, process.argv.slice(2));

async function run({ nodes, data, prepare }: Flags): Promise<void> {
  const stopped = AbortSignal.any([signalOfProcess(), signalOfParent()]);
  // Interrupted, there is nothing to say.
  await unlessStopped(stopped, async () => {
    const onStep = (what: string): void => void process.stderr.write(`${what} …\n`);
    const installation = await install(stopped, { onStep });
    if (prepare === true) process.stdout.write(`Kafka ${kafkaVersion()} is ready to start\n`);
    else await serve(installation, { nodes, dataDir: data }, stopped);
  });
}

async function serve(
  installation: Installation,
  options: ClusterOptions,
  stopped: AbortSignal,
): Promise<void> {
  const cluster = await KafkaCluster.start(installation, options, stopped);
  process.stdout.write(`ready ${cluster.brokers.join(',')}\n`);
  process.stdout.write('Apache Kafka is running. Ctrl-C stops it.\n');
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const ended = await Promise.race([aborted(stopped), cluster.endedByItself(tell)]);
  await cluster.stop();
  if (ended !== undefined) throw ended;
}

function dataFolder(path: string): string {
  const whole = resolve(path);
  // Kafka would take it for two folders.
  if (!whole.includes(',')) return whole;
  throw new InvalidArgumentError(`Its path must not hold a comma: ${whole}.`);
}

function nodeCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= nodesMax) return count;
  throw new InvalidArgumentError(`It is a whole number from 1 to ${nodesMax}.`);
}
