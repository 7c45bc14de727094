import { Command } from 'commander';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { signalOfProcess, unlessStopped } from '../../runtime/lifecycle.ts';
import { createLogger } from '../../runtime/logging.ts';
import { plural } from '../../runtime/plural.ts';
import type { AgentConfig } from '../config.ts';
import { dayText } from '../replay/dating.ts';
import type { DatedFile } from '../replay/file.ts';
import { durationText, type Pace, replayMs } from '../replay/pace.ts';
import type { Replayed } from '../replay/replay.ts';
import type { ReplayTarget } from '../replay/target.ts';
import { ANYWHERE_SPEC as SPEC, brokersGiven } from './destination.ts';

const eventPace: Pace = { kind: 'speed', factor: 1 };
/** The old producer's. */
const oldPace: Pace = { kind: 'groups', perSecond: 1 };
/** A replay that takes less is over before anybody wonders. */
const toldMsMin = 5_000;

interface Options {
  readonly to?: string;
  readonly speed?: string;
  readonly groupsPerSecond?: string;
  readonly day?: string;
  readonly wait?: boolean;
}

export function replayCommand(): Command {
  const command = withSettings(new Command('replay'), SPEC, ['token_file', 'compat', 'log'])
    .description('send the rows of a CSV file as if they happened now')
    .argument('<file>', 'ts|timestamp,server_id,cpu_pct,mem_pct[,net_in,net_out,disk_io]')
    .option('--to <url>', `the collector, or kafka://host:port (default: ${SPEC.to.fallback})`)
    .option(
      '--speed <factor>',
      'event time passes this many times as fast, or max (default: 1; with --compat one group a second)',
    )
    .option('--groups-per-second <n>', 'rows of one time together, so many such groups a second')
    .option('--day <date>', 'YYYY-MM-DD (UTC) of the first row, where rows have only times of day')
    .option('--wait', 'return when the collector has stored everything and closed the source')
    .action(async (path: string, options: Options) => {
      const { values } = settingsOf(command, SPEC, 'agent', brokersGiven(options.to));
      const pace = paceOf(options, values.compat.length > 0 ? oldPace : eventPace);
      const tell = (line: string): void => void process.stderr.write(`${line}\n`);
      const signal = signalOfProcess();
      const log = await createLogger('windrow-agent', values.log);
      const { checkConnection } = await import('../connect.ts');
      const { openTarget } = await import('../replay/target.ts');
      const { readReplayFile } = await import('../replay/file.ts');
      const { replay } = await import('../replay/replay.ts');
      checkWait(options, values);
      checkConnection(values);
      let again = 'again';
      const summary = await unlessStopped(signal, async () => {
        // Nobody is asked for a file that cannot be sent.
        const file = await readReplayFile(path, options.day, signal);
        const target = await openTarget(values, log, { signal, tell });
        const replayed = await replay(target, file, {
          pace,
          wait: options.wait === true,
          signal,
          tell: (line) => tell(`${path}: ${line}`),
          onStart: (dated) => {
            announce(dated, pace, tell);
            const day = dayOnlyHere(dated, target);
            if (day === undefined) return;
            again = `again with --day ${day}`;
            if (!dated.isDayGiven) tell(datedHere(path, day));
          },
        });
        await target.sender.close();
        return summaryOf(replayed, target);
      });
      if (summary === undefined) {
        throw new WindrowError('aborted', 'interrupted', {
          hint: `Run it ${again} for what may be missing: rows that were taken already do not count twice.`,
        });
      }
      process.stdout.write(summary);
    });
  return command;
}

/** @throws WindrowError `usage` */
function checkWait({ wait }: Options, { transport }: AgentConfig): void {
  if (wait !== true || transport === 'direct') return;
  throw new WindrowError('usage', '--wait needs a collector that answers: on Kafka none does', {
    hint: 'Its source is closed when a collector has read the end of the file from Kafka.',
  });
}

function summaryOf(
  { sourceId, rows, malformed, stored, duplicates }: Replayed,
  target: ReplayTarget,
) {
  const became =
    target.stateOf === undefined
      ? `${plural(rows, 'row')} sent`
      : `${plural(rows, 'row')}: ${stored} stored, ${plural(duplicates, 'was', 'were')} there already`;
  return `${became}, ${malformed} malformed\nsource ${sourceId}\n`;
}

/** The date of the first row, where nobody can be asked for it the next time. */
function dayOnlyHere(
  { scan, firstDayMs }: DatedFile,
  { stateOf }: ReplayTarget,
): string | undefined {
  return stateOf === undefined && scan.undatedOriginMs !== undefined
    ? dayText(firstDayMs)
    : undefined;
}

function datedHere(path: string, day: string): string {
  return `${path}: its times of day begin on ${day} (UTC); --day ${day} gives them the same dates again`;
}

/** A paced replay is silent for as long as the file's time takes. */
function announce({ scan }: DatedFile, pace: Pace, tell: (line: string) => void): void {
  const takesMs = replayMs(pace, scan);
  if (takesMs < toldMsMin) return;
  const what = `replaying ${plural(scan.rows, 'row')} of ${plural(scan.servers.length, 'server')}`;
  tell(`${what} takes ${durationText(takesMs)}; with --speed max it is done at once`);
}

/** @throws WindrowError `usage`, naming the flag */
function paceOf({ speed, groupsPerSecond }: Options, fallback: Pace): Pace {
  if (speed !== undefined && groupsPerSecond !== undefined) {
    throw new WindrowError('usage', '--speed and --groups-per-second exclude each other');
  }
  if (groupsPerSecond !== undefined) {
    return { kind: 'groups', perSecond: positive('--groups-per-second', groupsPerSecond) };
  }
  if (speed === 'max') return { kind: 'max' };
  if (speed === undefined) return fallback;
  return { kind: 'speed', factor: positive('--speed', speed) };
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && value <= 1e6) return value;
  throw new WindrowError('usage', `${flag}: ${text} is not a number above 0`, {
    hint: flag === '--speed' ? 'Give a factor such as 1, 10 or 0.5, or max.' : 'Give 1 or 10, say.',
  });
}
