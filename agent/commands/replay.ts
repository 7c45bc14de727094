import { Command } from 'commander';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { signalOfProcess } from '../../runtime/lifecycle.ts';
import { AGENT_SPEC } from '../config.ts';
import { connect } from '../connect.ts';
import type { Pace } from '../replay/pace.ts';

interface Options {
  readonly speed?: string;
  readonly groupsPerSecond?: string;
  readonly wait?: boolean;
}

export function replayCommand(): Command {
  const command = withSettings(new Command('replay'), AGENT_SPEC, ['to', 'token_file'])
    .description('send the rows of a CSV file to the collector as if they happened now')
    .argument('<file>', 'ts|timestamp,server_id,cpu_pct,mem_pct[,net_in,net_out,disk_io]')
    .option('--speed <factor>', 'event time passes this many times as fast, or max (default: 1)')
    .option('--groups-per-second <n>', 'rows of one time together, so many such groups a second')
    .option('--wait', 'return when the collector has stored everything and closed the source')
    .action(async (path: string, options: Options) => {
      const { values } = settingsOf(command, AGENT_SPEC, 'agent');
      const pace = paceOf(options);
      const client = connect(values);
      const { replay } = await import('../replay/replay.ts');
      const replayed = await replay(client, {
        path,
        pace,
        wait: options.wait === true,
        signal: signalOfProcess(),
        tell: (line) => process.stderr.write(`${path}: ${line}\n`),
        onScan: ({ rows, servers }) => announce(`${rows} rows of ${servers.length} servers`, pace),
      });
      const { sourceId, rows, malformed, stored, duplicates } = replayed;
      process.stdout.write(
        `${rows} rows: ${stored} stored, ${duplicates} were there already, ${malformed} malformed\n` +
          `source ${sourceId}\n`,
      );
    });
  return command;
}

/** A paced replay is silent for as long as the file's time takes: a person is told. */
function announce(what: string, pace: Pace): void {
  if (!process.stderr.isTTY || pace.kind === 'max') return;
  process.stderr.write(`replaying ${what}; with --speed max it is done at once\n`);
}

/** @throws WindrowError `usage`, naming the flag */
function paceOf({ speed, groupsPerSecond }: Options): Pace {
  if (speed !== undefined && groupsPerSecond !== undefined) {
    throw new WindrowError('usage', '--speed and --groups-per-second exclude each other');
  }
  if (groupsPerSecond !== undefined) {
    return { kind: 'groups', perSecond: positive('--groups-per-second', groupsPerSecond) };
  }
  if (speed === 'max') return { kind: 'max' };
  return { kind: 'speed', factor: positive('--speed', speed ?? '1') };
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && value <= 1e6) return value;
  throw new WindrowError('usage', `${flag}: ${text} is not a number above 0`, {
    hint: flag === '--speed' ? 'Give a factor such as 1, 10 or 0.5, or max.' : 'Give 1 or 10, say.',
  });
}
