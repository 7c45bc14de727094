import { Command } from 'commander';
import { watchBlocks } from '../../blocks/log-watch.ts';
import { TransferMonitor } from '../../blocks/monitor.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createLogger } from '../../runtime/logging.ts';
import { openKafkaLog } from '../../wire/transport/kafka/log.ts';
import { topicSpecs } from '../../wire/transport/kafka/topics.ts';
import { brokersOf } from '../../wire/transport/kafka/url.ts';
import { BLOCK_TOPICS } from '../../wire/transport/log/blocks.ts';
import { describePrepared, prepareTopics } from '../../wire/transport/log/prepare.ts';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { readCertificates, readSettingFile } from '../../runtime/config/setting-file.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { pause, signalOfProcess, unlessStopped } from '../../runtime/lifecycle.ts';
import { DirectClient, notACollector } from '../../wire/transport/direct/client.ts';
import type { TransfersView } from '../api/contract.ts';
import { checkSettings, clientId, COLLECTOR_SPEC, type CollectorConfig } from '../config.ts';
import { readRunning } from '../running.ts';
import { screenOf } from './monitor-screen.ts';

const everyMs = 1_000;
/** Transfers, and machines; a terminal shows fewer. */
const listedMax = 40;

interface Options {
  readonly from?: string;
  readonly to?: string;
  readonly tokenFile?: string;
  readonly tlsCaFile?: string;
}

export function monitorCommand(): Command {
  const command = withSettings(new Command('monitor'), COLLECTOR_SPEC, ['data', 'port'])
    .description(
      'show files that come in: live on a terminal, a line of JSON each second elsewhere',
    )
    .option('--from <url>', 'kafka://host:port: what its receivers say, with no collector')
    .option('--to <url>', 'which collector; the one of this machine when not given')
    .option('--token-file <file>', 'holds the token, where the collector asks for one')
    .option('--tls-ca-file <file>', 'PEM certificates to trust beside the system’s')
    .action(async (options: Options) => {
      const { from, tokenFile, tlsCaFile } = options;
      const brokers = from === undefined ? undefined : brokersOf('--from', from);
      const { values } = settingsOf(command, COLLECTOR_SPEC, 'collector', { brokers });
      if (brokers !== undefined) return showLog(values, process.stdout);
      const client = new DirectClient({
        url: urlOf(options.to, values),
        token:
          tokenFile === undefined ? undefined : readSettingFile('--token-file', tokenFile).trim(),
        ca: tlsCaFile === undefined ? undefined : readCertificates('--tls-ca-file', tlsCaFile),
      });
      try {
        await show((signal) => ask(client, signal), process.stdout, signalOfProcess());
      } finally {
        await client.close();
      }
    });
  return command;
}

/** What receivers say in the topics of blocks. @throws WindrowError when the brokers cannot be reached */
async function showLog(config: CollectorConfig, stdout: NodeJS.WriteStream): Promise<void> {
  checkSettings(config);
  const signal = signalOfProcess();
  const log = await createLogger('windrow-collector', config.log);
  const source = openKafkaLog({ ...config, brokersFlag: '--from' }, clientId, log);
  const topics = topicSpecs(config, BLOCK_TOPICS);
  const prepared = await unlessStopped(signal, () => prepareTopics(source, topics, signal));
  if (prepared === undefined) return;
  process.stderr.write(`${describePrepared(config.brokers)}\n`);
  const monitor = new TransferMonitor();
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const watching = watchBlocks({ source, monitor, clock: systemClock }, until).finally(() =>
    ended.abort(),
  );
  const view = async () => monitor.view(systemClock.wallMs(), listedMax);
  await Promise.all([show(view, stdout, until), watching]);
}

/** @throws WindrowError `usage` */
function urlOf(to: string | undefined, config: CollectorConfig): string {
  if (to === undefined) {
    return readRunning(config.data)?.localUrl ?? `http://127.0.0.1:${config.port}`;
  }
  const url = URL.parse(to);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '') return url.origin;
  throw new WindrowError('usage', '--to must be an address such as http://192.168.1.10:7861');
}

/** Ends when the signal aborts. @throws WindrowError when the first answer is none, or it says that a token is needed */
async function show(
  look: (signal: AbortSignal) => Promise<TransfersView>,
  stdout: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<void> {
  let shownLines = 0;
  let isFirst = true;
  while (!signal.aborted) {
    try {
      const view = await look(signal);
      if (stdout.isTTY) {
        const lines = screenOf(view, { columns: stdout.columns, rows: stdout.rows });
        // Over what was shown before, so that what scrolled by above stays.
        const back = shownLines === 0 ? '' : `\u{1b}[${shownLines}A`;
        stdout.write(`${back}\u{1b}[J${lines.join('\n')}\n`);
        shownLines = lines.length;
      } else {
        stdout.write(`${JSON.stringify(view)}\n`);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isFirst || !(error instanceof WindrowError) || !isPassing(error)) throw error;
      process.stderr.write(`${messageOf(error)}; trying again\n`);
      shownLines = 0;
    }
    isFirst = false;
    await pause(everyMs, signal);
  }
}

function isPassing({ code, retryable }: WindrowError): boolean {
  return retryable && code !== 'unauthorized';
}

async function ask(client: DirectClient, signal: AbortSignal): Promise<TransfersView> {
  const path = `/api/transfers?limit=${listedMax}`;
  const answer = await client.request({ method: 'GET', path, signal });
  if (answer.status !== 200) throw client.rejection(answer);
  try {
    const view = JSON.parse(answer.body) as Partial<TransfersView>;
    if (isTransfersView(view)) return view;
  } catch {
    // Falls through: whatever answered is no collector.
  }
  throw notACollector(client.url);
}

function isTransfersView(view: Partial<TransfersView>): view is TransfersView {
  const { transfers, machines, totals } = view;
  return Array.isArray(transfers) && Array.isArray(machines) && totals instanceof Object;
}
