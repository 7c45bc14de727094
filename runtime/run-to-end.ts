/** How a program ends: its exit code, and what it says when it failed. */
import { EXIT, exitCodeOf, messageOf, WindrowError } from './errors.ts';

/**
 * Runs a program and ends the process with an exit code of EXIT. Every expected failure is one line
 * on stderr, with a second one that says what to do.
 *
 * @param name the program's name, before what it says
 */
export async function runToEnd(name: string, work: () => Promise<void>): Promise<never> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const isUnread = error.code === 'EPIPE';
    // `export … | head` closes our stdout: that is the reader's choice, not a failure.
    const code = isUnread ? (process.exitCode ?? EXIT.ok) : EXIT.failure;
    const reason = isUnread ? 'nobody reads what it prints' : error.message;
    if (code !== EXIT.ok) process.stderr.write(`${name}: stopped: ${reason}\n`);
    process.exit(code);
  });
  let code: number | undefined;
  try {
    await work();
  } catch (error) {
    report(name, error);
    code = exitCodeOf(error);
  }
  await flushed(process.stdout);
  // What found something wrong without an error has set exitCode itself.
  process.exit(code ?? process.exitCode ?? EXIT.ok);
}

/**
 * For work that counts only when all of it was done, printing being the least of it: whatever ends the
 * process before, this was a failure.
 *
 * @param work resolves to whether all went well
 */
export async function toItsEnd(work: () => Promise<boolean>): Promise<void> {
  process.exitCode = EXIT.failure;
  if (await work()) process.exitCode = EXIT.ok;
}

function report(name: string, error: unknown): void {
  process.stderr.write(`${name}: ${messageOf(error)}\n`);
  if (error instanceof WindrowError) {
    if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`);
  } else if (error instanceof Error && error.stack !== undefined) {
    process.stderr.write(`${error.stack}\n`);
  }
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}
