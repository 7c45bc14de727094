import { Command, Option } from 'commander';
import { ENGINE_NAMES, type EngineName } from '../../native/sha256/engine.ts';
import { settingsOf, withSettings } from '../../runtime/config/flags.ts';
import { size } from '../../runtime/config/units.ts';
import { whatIsWrong } from '../../runtime/config/issue.ts';
import { EXIT, WindrowError } from '../../runtime/errors.ts';
import { signalOfProcess } from '../../runtime/lifecycle.ts';
import { createLogger } from '../../runtime/logging.ts';
import { toItsEnd } from '../../runtime/run-to-end.ts';
import { clientId } from '../connect.ts';
import { exclusionsOf } from '../../blocks/sending/exclude.ts';
import { brokersGiven, FILES_SPEC } from './destination.ts';
import { tooLate } from './too-late.ts';

/** Those of the wire, `blockBytesMin` to `blockBytesMax`. */
const blockSize = size('1MiB', '1GiB');
/** A stop is done after this, whatever still waits for a disk or a network. */
const stopMsMax = 4_000;

const FLAGS = ['token_file', 'tls_ca_file', 'server_id', 'data'] as const;

interface Options {
  readonly to?: string;
  readonly blockSize: string;
  readonly exclude: readonly string[];
  readonly engine?: EngineName;
  readonly dryRun?: boolean;
}

export function sendCommand(): Command {
  const command = withSettings(new Command('send'), FILES_SPEC, FLAGS)
    .description(
      'send files and folders to a collector or to Kafka; run again, it goes on where it was',
    )
    .argument('<path...>', 'files, and folders with all that is in them')
    .option(
      '--to <url>',
      `the collector, or kafka://host:port (default: ${FILES_SPEC.to.fallback})`,
    )
    .option('--block-size <size>', 'what is sent, verified and acknowledged at a time', '128MiB')
    .option(
      '--exclude <glob>',
      'leave out names or paths below; may be given several times',
      gather,
      [],
    )
    .addOption(
      new Option('--engine <name>', 'instead of the fastest on this machine').choices(ENGINE_NAMES),
    )
    .option('--dry-run', 'only list what would be sent')
    .action(async (paths: string[], options: Options) => {
      const { values } = settingsOf(command, FILES_SPEC, 'agent', brokersGiven(options.to));
      const blockBytes = blockBytesOf(options.blockSize);
      const exclude = options.exclude.flatMap(exclusionsOf);
      const { engine } = options;
      if (options.dryRun === true) {
        const { listFiles } = await import('../sending/list.ts');
        const isListed = await listFiles({ paths, exclude, blockBytes, stdout: process.stdout });
        if (!isListed) process.exitCode = EXIT.failure;
        return;
      }
      const signal = signalOfProcess();
      const log = await createLogger(clientId, values.log);
      const { openCarrier } = await import('../sending/target.ts');
      const { sendFiles } = await import('../sending/send.ts');
      const sending = sendFiles({
        paths,
        exclude,
        carrier: await openCarrier(values, log),
        machineId: values.server_id,
        blockBytes,
        data: values.data,
        engine,
        stdout: process.stdout,
        signal,
      });
      const hint = 'What is acknowledged stays: run it again, and it goes on from there.';
      await toItsEnd(() => Promise.race([sending, tooLate(signal, stopMsMax, hint)]));
    });
  return command;
}

function gather(glob: string, globs: readonly string[]): string[] {
  return [...globs, glob];
}

/** @throws WindrowError `usage` */
function blockBytesOf(text: string): number {
  const parsed = blockSize.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new WindrowError('usage', `--block-size ${whatIsWrong(parsed.error.issues[0])}`);
}
