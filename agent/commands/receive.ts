import { Command } from 'commander';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { whatIsWrong } from '../../runtime/config/issue.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { signalOfProcess, unlessStopped } from '../../runtime/lifecycle.ts';
import { createLogger } from '../../runtime/logging.ts';
import { toItsEnd } from '../../runtime/run-to-end.ts';
import { receiversGroup } from '../../wire/transport/kafka/block-use.ts';
import { groupName } from '../../wire/transport/kafka/settings.ts';
import { brokersOf } from '../../wire/transport/kafka/url.ts';
import { BLOCK_TOPICS } from '../../wire/transport/log/blocks.ts';
import { describePrepared, prepareTopics } from '../../wire/transport/log/prepare.ts';
import { checkConnection, clientId, loadKafka } from '../connect.ts';
import { FILES_SPEC } from './destination.ts';
import { tooLate } from './too-late.ts';

const blocksMaxMax = 1e9;
/** A stop is done after this, whatever still waits for a disk: leaving the group takes 12 s at most. */
const stopMsMax = 15_000;

interface Options {
  readonly from?: string;
  readonly group: string;
  readonly out: string;
  readonly assemble?: boolean;
  readonly maxBlocks?: string;
  readonly process?: string;
}

export function receiveCommand(): Command {
  const command = withSettings(new Command('receive'), FILES_SPEC, ['server_id', 'log'])
    .description('receive files from Kafka, alone or beside others in a group, until it is stopped')
    .option('--from <url>', 'kafka://host:port (default: the brokers of the configuration)')
    .option('--group <name>', 'who shares the work has the same', receiversGroup)
    .option('--out <dir>', 'where the files go', '.')
    .option('--assemble', 'put files together whose blocks have all come here')
    .option('--max-blocks <n>', 'end after so many (default: never)')
    .option('--process <module>', 'a JavaScript module whose default export gets each block')
    .action(async (options: Options) => {
      const { from } = options;
      const brokers = from === undefined ? undefined : brokersOf('--from', from);
      const { values } = settingsOf(command, FILES_SPEC, 'agent', { brokers });
      if (values.transport !== 'kafka') {
        throw new WindrowError('usage', '--from is missing: kafka://host:port of a broker');
      }
      const blocksMax = blocksMaxOf(options);
      const group = groupOf(options);
      checkConnection(values);
      const signal = signalOfProcess();
      const log = await createLogger(clientId, values.log);
      const { openKafkaLog, topicSpecs } = await loadKafka();
      const source = openKafkaLog({ ...values, brokersFlag: '--from' }, clientId, log);
      const topics = topicSpecs(values, BLOCK_TOPICS);
      const prepared = await unlessStopped(signal, () => prepareTopics(source, topics, signal));
      if (prepared === undefined) return;
      process.stderr.write(`${describePrepared(values.brokers)}\n`);
      const { receiveFiles } = await import('../receiving/receive.ts');
      const receiving = receiveFiles(
        {
          source,
          group,
          machineId: values.server_id,
          folder: options.out,
          assemble: options.assemble === true,
          blocksMax,
          modulePath: options.process,
          log,
          stdout: process.stdout,
        },
        signal,
      );
      const late = tooLate(signal, stopMsMax, 'What is not acknowledged is received again.');
      await toItsEnd(() => Promise.race([receiving, late]));
    });
  return command;
}

/** @throws WindrowError `usage` */
function groupOf({ group }: Options): string {
  const parsed = groupName.safeParse(group);
  if (parsed.success) return parsed.data;
  const fault = whatIsWrong(parsed.error.issues[0]);
  throw new WindrowError('usage', `--group ${fault}, not ${JSON.stringify(group)}`);
}

/** @throws WindrowError `usage` */
function blocksMaxOf({ maxBlocks }: Options): number {
  if (maxBlocks === undefined) return Infinity;
  const number = Number(maxBlocks);
  if (/^\d+$/.test(maxBlocks) && number >= 1 && number <= blocksMaxMax) return number;
  throw new WindrowError(
    'usage',
    `--max-blocks: ${maxBlocks} is not a whole number from 1 to ${blocksMaxMax}`,
  );
}
