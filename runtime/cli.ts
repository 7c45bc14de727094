/** What both command lines share: how a verb is found and run. */
import { type Command, CommanderError } from 'commander';
import { EXIT } from './errors.ts';
import { runToEnd } from './run-to-end.ts';

/** Parses the arguments and runs the verb; ends the process with an exit code of EXIT. */
export function runCli(program: Command, argv: readonly string[]): Promise<never> {
  return runToEnd(program.name(), async () => {
    prepare(program, program.name());
    try {
      await program.parseAsync([...argv], { from: 'user' });
    } catch (error) {
      // commander has already said what is wrong with the arguments.
      if (!(error instanceof CommanderError)) throw error;
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    }
  });
}

/** Errors are thrown, not exits, and name the whole verb. */
function prepare(command: Command, path: string): void {
  command.exitOverride().showHelpAfterError(`(${path} --help tells more)`);
  for (const child of command.commands) prepare(child, `${path} ${child.name()}`);
}
