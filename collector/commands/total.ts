import { Command } from 'commander';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { signalOfProcess, unlessStopped } from '../../runtime/lifecycle.ts';
import { createLogger } from '../../runtime/logging.ts';
import { plural } from '../../runtime/plural.ts';
import { NUMBERS_GROUP, NUMBERS_TOPIC } from '../../wire/compat/seed-d.ts';
import { openKafkaLog } from '../../wire/transport/kafka/log.ts';
import { topicSpecs } from '../../wire/transport/kafka/topics.ts';
import { brokersOf } from '../../wire/transport/kafka/url.ts';
import { describePrepared, prepareTopics } from '../../wire/transport/log/prepare.ts';
import { checkSettings, clientId, COLLECTOR_SPEC } from '../config.ts';
import { addUp } from '../numbers/adder.ts';
import type { Malformed, Sum } from '../numbers/totals.ts';

/** Lines about malformed values of one piece. */
const toldMax = 10;
/** One, so that one adder adds up all. */
const partitions = 1;
/** Once it is stopped, what it has written waits this long for whoever reads it. */
const lastReadMsMax = 2_000;

/** The group is not that of the collectors, whatever the configuration says. */
const SPEC = {
  ...COLLECTOR_SPEC,
  'kafka.group': {
    ...COLLECTOR_SPEC['kafka.group'],
    about: 'The consumer group, whose total goes on from run to run.',
    flag: { name: '--group' },
  },
} as const;

export function totalCommand(): Command {
  const command = withSettings(new Command('total'), SPEC, ['log'])
    .description(`add up the numbers in the topic ${NUMBERS_TOPIC}, until it is stopped`)
    .option('--from <url>', 'kafka://host:port (default: the brokers of the configuration)')
    .option('--group <name>', 'the consumer group', NUMBERS_GROUP)
    .action(async ({ from }: { from?: string }) => {
      const brokers = from === undefined ? undefined : brokersOf('--from', from);
      const { values } = settingsOf(command, SPEC, 'collector', { brokers });
      if (values.transport !== 'kafka') {
        throw new WindrowError('usage', '--from is missing: kafka://host:port of a broker');
      }
      checkSettings(values);
      const signal = signalOfProcess();
      const log = await createLogger('windrow-collector', values.log);
      const source = openKafkaLog({ ...values, brokersFlag: '--from' }, clientId, log);
      const topics = topicSpecs({ ...values, 'kafka.partitions': partitions }, [NUMBERS_TOPIC]);
      const tell = (line: string): void => void process.stderr.write(`${line}\n`);
      const prepared = await unlessStopped(signal, () => prepareTopics(source, topics, signal));
      if (prepared === undefined) return;
      tell(describePrepared(values.brokers));
      const printer = new Printer(tell, signal);
      const onSum = (sum: Sum, malformed: readonly Malformed[]) => printer.print(sum, malformed);
      // A member of the same name gets its part at once when it comes back after a kill.
      const group = values['kafka.group'];
      await addUp({ source, group, member: `${hostname()}-total`, onSum, tell }, signal);
      setTimeout(() => process.exit(), lastReadMsMax).unref();
    });
  return command;
}

/** Totals to stdout, what is no number to stderr. */
class Printer {
  readonly #tell: (line: string) => void;
  readonly #stopped: AbortSignal;
  #malformed = 0;

  constructor(tell: (line: string) => void, stopped: AbortSignal) {
    this.#tell = tell;
    this.#stopped = stopped;
  }

  /** Resolves when whoever reads our output has room for more, or at the stop. */
  async print({ total, numbers }: Sum, malformed: readonly Malformed[]): Promise<void> {
    this.#malformed += recordsIn(malformed);
    for (const { partition, offset, records, reason } of malformed.slice(0, toldMax)) {
      const which = records === 1 ? `${offset} is` : `${offset} to ${offset + records - 1} are`;
      this.#tell(`${NUMBERS_TOPIC}/${partition} offset ${which} skipped: ${reason}`);
    }
    const more = recordsIn(malformed.slice(toldMax));
    if (more > 0) this.#tell(`${plural(more, 'more is', 'more are')} skipped`);
    const counts = { numbers, malformed: this.#malformed };
    const line = process.stdout.isTTY
      ? `${total} (${plural(numbers, 'number')}, ${this.#malformed} malformed)`
      : // JSON.stringify would round a large total.
        `{"total":${total},${JSON.stringify(counts).slice(1)}`;
    if (process.stdout.write(`${line}\n`)) return;
    const waiting = { signal: this.#stopped };
    await once(process.stdout, 'drain', waiting).catch((error: unknown) => {
      if (!this.#stopped.aborted) throw error;
    });
  }
}

function recordsIn(malformed: readonly Malformed[]): number {
  return malformed.reduce((sum, { records }) => sum + records, 0);
}
