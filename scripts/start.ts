/**
 * `npm start [-- --data DIR] [-- --port N]`: the collector and one agent on this PC, as two
 * processes, until Ctrl-C. Prints the address of the page once it is there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { runCli } from '../runtime/cli.ts';
import { WindrowError } from '../runtime/errors.ts';
import { aborted, signalOfProcess } from '../runtime/lifecycle.ts';

/** A child that was asked to stop is ended by force after this. */
const stopMsMax = 15_000;

const program = new Command('npm start --')
  .description('run the collector and one agent on this PC')
  .option('--data <dir>', 'folder of all state', './data')
  .option('--port <port>', 'port of the page', '7861')
  .action((options: { data: string; port: string }) => start(options));

await runCli(program, process.argv.slice(2));

async function start({ data, port }: { data: string; port: string }): Promise<void> {
  if (process.env['WINDROW_CONFIG']) {
    throw new WindrowError(
      'usage',
      'WINDROW_CONFIG names one file, and npm start runs two programs',
      {
        hint: 'Unset it: config/agent.yaml and config/collector.yaml are read from this folder.',
      },
    );
  }
  const stopped = signalOfProcess();
  const children: ChildProcess[] = [];
  try {
    const collector = runProgram(
      'collector/main.ts',
      ['serve', '--data', data, '--port', port],
      'pipe',
    );
    children.push(collector);
    const url = await Promise.race([readyUrl(collector), aborted(stopped)]);
    if (url === undefined) return;
    const agent = runProgram('agent/main.ts', ['run', '--to', url, '--data', data], 'ignore');
    children.push(agent);
    process.stdout.write(`\n  windrow is running: ${url}\n  Ctrl-C stops it.\n\n`);
    await Promise.race([aborted(stopped), failsWhenEnded(collector), failsWhenEnded(agent)]);
  } finally {
    // The agent first: its last samples and its goodbye still find the collector.
    for (const child of children.reverse()) await stop(child);
  }
}

function runProgram(
  file: string,
  args: readonly string[],
  stdout: 'pipe' | 'ignore',
): ChildProcess {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const env = { ...process.env, WINDROW_LOG: process.env['WINDROW_LOG'] ?? 'warn' };
  return spawn(process.execPath, [path, ...args], { env, stdio: ['ignore', stdout, 'inherit'] });
}

/** The address that the collector says it listens on. */
async function readyUrl(collector: ChildProcess): Promise<string> {
  if (collector.stdout === null) throw new Error('the collector has no output');
  for await (const line of createInterface({ input: collector.stdout })) {
    const url = /^ready (\S+)$/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw ended();
}

async function failsWhenEnded(child: ChildProcess): Promise<never> {
  await once(child, 'exit');
  throw ended();
}

/** The child itself has said why. */
function ended(): WindrowError {
  return new WindrowError('aborted', 'windrow is not running');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
  await exit;
  clearTimeout(timer);
}
