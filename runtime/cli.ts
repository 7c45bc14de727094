/** What both command lines share: how a verb runs, fails and exits. */
import { type Command, CommanderError } from 'commander';
import { EXIT, exitCodeOf, messageOf, WindrowError } from './errors.ts';

/**
 * Parses the arguments and runs the verb; ends the process with an exit code of EXIT. Every
 * expected failure is one line on stderr, with a second one that says what to do.
 */
export async function runCli(program: Command, argv: readonly string[]): Promise<never> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `export … | head` closes our stdout: that is the reader's choice, not a failure.
    process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failure);
  });
  let code: number | undefined;
  try {
    prepare(program, program.name());
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    code = reportFailure(program.name(), error);
  }
  await flushed(process.stdout);
  // A verb that found something wrong without an error has set exitCode itself.
  process.exit(code ?? process.exitCode ?? EXIT.ok);
}

/** Errors are thrown, not exits, and name the whole verb. */
function prepare(command: Command, path: string): void {
  command.exitOverride().showHelpAfterError(`(${path} --help tells more)`);
  for (const child of command.commands) prepare(child, `${path} ${child.name()}`);
}

function reportFailure(name: string, error: unknown): number {
  // commander has already said what is wrong with the arguments.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  process.stderr.write(`${name}: ${messageOf(error)}\n`);
  if (error instanceof WindrowError) {
    if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`);
  } else if (error instanceof Error && error.stack !== undefined) {
    process.stderr.write(`${error.stack}\n`);
  }
  return exitCodeOf(error);
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}
