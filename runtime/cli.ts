/** What both command lines share: how a verb is found and run. */
import { type Command, CommanderError } from 'commander';
import { EXIT } from './errors.ts';
import { runToEnd } from './run-to-end.ts';

/** A verb by its name; its code is loaded when somebody asks for it. */
export type Verbs = Readonly<Record<string, () => Promise<Command>>>;

/** The same for verbs of which only the one that is asked for is loaded; all for help and for one that is not there. */
export function runVerbs(program: Command, verbs: Verbs, given: readonly string[]): Promise<never> {
  const [asked = '', ...more] = given[0] === '--version' ? ['version', ...given.slice(1)] : given;
  return runCli(program, asked === '' ? [] : [asked, ...more], async () => {
    const names = Object.hasOwn(verbs, asked) ? [asked] : Object.keys(verbs);
    for (const name of names) {
      const verb = await verbs[name]?.();
      if (verb !== undefined) program.addCommand(verb);
    }
  });
}

/** Parses the arguments and runs the verb; ends the process with an exit code of EXIT. */
export function runCli(
  program: Command,
  argv: readonly string[],
  load = async (): Promise<void> => {},
): Promise<never> {
  return runToEnd(program.name(), async () => {
    await load();
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
  command
    .exitOverride()
    .showHelpAfterError(`(${path} --help tells more)`)
    .configureOutput({ outputError: (text, write) => write(withOwnFlag(command, text)) });
  for (const child of command.commands) prepare(child, `${path} ${child.name()}`);
}

/** `--kafka` of other verbs is for brokers that one takes by its own flag: that one is named. */
function withOwnFlag({ options }: Command, text: string): string {
  const own = options.find(({ description }) => description.includes('kafka://'))?.long;
  if (own === undefined) return text;
  return text.replace(/unknown option '--kafka(=[^']*)?'/, `$&: it is ${own} kafka://host:port`);
}
