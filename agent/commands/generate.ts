import { Command } from 'commander';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { duration } from '../../runtime/config/units.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { signalOfProcess, unlessStopped } from '../../runtime/lifecycle.ts';
import { createLogger } from '../../runtime/logging.ts';
import { ownAddress } from '../../runtime/network.ts';
import { NUMBERS_TOPIC } from '../../wire/compat/seed-d.ts';
import { Trouble } from '../../wire/transport/kafka/trouble.ts';
import { brokersOf } from '../../wire/transport/kafka/url.ts';
import { describePrepared, prepareTopics } from '../../wire/transport/log/prepare.ts';
import { AGENT_SPEC } from '../config.ts';
import { checkConnection, clientId, loadKafka } from '../connect.ts';
import { generate } from '../numbers/generate.ts';

const intervalDefault = '2s';
const countMax = 1e9;
const intervals = duration('1ms', '1h');
/** One, so that they are added up in one place. */
const partitions = 1;

interface Options {
  readonly to?: string;
  readonly interval: string;
  readonly count?: string;
}

export function generateCommand(): Command {
  return new Command('generate')
    .description('write made-up data to Kafka')
    .addCommand(numbersCommand());
}

function numbersCommand(): Command {
  const command = withSettings(new Command('numbers'), AGENT_SPEC, ['log'])
    .description(`an integer from 1 to 100 to the topic ${NUMBERS_TOPIC}, again and again`)
    .option('--to <url>', 'kafka://host:port (default: the brokers of the configuration)')
    .option('--interval <duration>', 'how often', intervalDefault)
    .option('--count <n>', 'end after so many (default: never)')
    .action(async (options: Options) => {
      const brokers = options.to === undefined ? undefined : brokersOf('--to', options.to);
      // How often machines are sampled says nothing of numbers.
      const given = { to: undefined, interval: undefined, brokers };
      const { values } = settingsOf(command, AGENT_SPEC, 'agent', given);
      const { intervalMs, count } = limitsOf(options);
      if (values.transport !== 'kafka') {
        throw new WindrowError('usage', '--to is missing: kafka://host:port of a broker');
      }
      checkConnection(values);
      const signal = signalOfProcess();
      const log = await createLogger(clientId, values.log);
      const { openKafkaLog, topicSpecs } = await loadKafka();
      const kafka = openKafkaLog({ ...values, brokersFlag: '--to' }, clientId, log);
      const topics = topicSpecs({ ...values, 'kafka.partitions': partitions }, [NUMBERS_TOPIC]);
      const makeTopic = (until: AbortSignal) => prepareTopics(kafka, topics, until);
      const prepared = await unlessStopped(signal, () => makeTopic(signal));
      if (prepared === undefined) return;
      process.stderr.write(`${describePrepared(values.brokers)}\n`);
      const producer = kafka.producer();
      const onSent = (value: string): void => void process.stdout.write(`${value}\n`);
      const trouble = new Trouble(log, 'numbers are taken again');
      const address = ownAddress();
      const numbers = { producer, makeTopic, address, intervalMs, count, trouble, onSent };
      await generate(numbers, signal);
      await producer.close();
    });
  return command;
}

/** @throws WindrowError `usage`, naming the flag */
function limitsOf({ interval, count }: Options): { intervalMs: number; count: number | undefined } {
  const parsed = intervals.safeParse(interval);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new WindrowError(
      'usage',
      `--interval ${issue?.message}, not ${JSON.stringify(interval)}`,
    );
  }
  if (count === undefined) return { intervalMs: parsed.data, count: undefined };
  const number = Number(count);
  if (/^\d+$/.test(count) && number >= 1 && number <= countMax) {
    return { intervalMs: parsed.data, count: number };
  }
  throw new WindrowError('usage', `--count: ${count} is not a whole number from 1 to ${countMax}`);
}
