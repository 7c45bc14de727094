/**
 * `npm start [-- --data DIR] [-- --port N]`: the collector and one agent on this PC, as two
 * processes, until Ctrl-C. Prints the address of the page once it is there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { isLoopback } from '../collector/api/access.ts';
import { AccessFiles } from '../collector/api/access-files.ts';
import { COLLECTOR_SPEC, type CollectorConfig } from '../collector/config.ts';
import { runCli } from '../runtime/cli.ts';
import { settingsOf, withSettings } from '../runtime/config/flags.ts';
import { writeFileDurably } from '../runtime/durable-file.ts';
import { EXIT, WindrowError } from '../runtime/errors.ts';
import { aborted, signalOfProcess } from '../runtime/lifecycle.ts';
import { signalOfParent } from './signal-of-parent.ts';

/** A child that was asked to stop is ended by force after this. */
const stopMsMax = 15_000;
const codeCache = fileURLToPath(new URL('../node_modules/.cache/windrow', import.meta.url));

const program = withSettings(new Command('npm start --'), COLLECTOR_SPEC, ['data', 'port'])
  .description('run the collector and one agent on this PC')
  .action(() => start(settingsOf(program, COLLECTOR_SPEC, 'collector').values, program.opts()));

await runCli(program, process.argv.slice(2));

async function start(config: CollectorConfig, flags: Record<string, string>): Promise<void> {
  if (process.env['WINDROW_CONFIG'] || flags['config'] !== undefined) {
    const given = flags['config'] === undefined ? 'WINDROW_CONFIG' : '--config';
    throw new WindrowError('usage', `${given} names one file, and npm start runs two programs`, {
      hint: 'Leave it out: config/agent.yaml and config/collector.yaml are read from this folder.',
    });
  }
  const stopped = AbortSignal.any([signalOfProcess(), signalOfParent()]);
  const children: ChildProcess[] = [];
  try {
    const given = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
    const collector = spawnProgram('collector/main.ts', ['serve', ...given], {
      stdout: 'pipe',
    });
    children.push(collector);
    const ready = await Promise.race([readyLines(collector, config), aborted(stopped)]);
    if (ready === undefined) {
      // The collector has said why; interrupted, there is nothing to say.
      if (!stopped.aborted) process.exitCode = EXIT.failure;
      return;
    }
    // Not by its flag, which excludes Kafka: config/agent.yaml may say that samples go there.
    const agent = spawnProgram('agent/launch.js', agentArguments(config), {
      stdout: 'ignore',
      env: { WINDROW_TO: ready.url },
    });
    children.push(agent);
    process.stdout.write(`\n  windrow is running: ${ready.entryUrl ?? ready.url}\n`);
    process.stdout.write('  Ctrl-C stops it.\n\n');
    await Promise.race([aborted(stopped), once(collector, 'exit'), once(agent, 'exit')]);
    if (!stopped.aborted) process.exitCode = EXIT.failure;
  } finally {
    // The agent first: its last samples and its goodbye still find the collector.
    for (const child of children.reverse()) await stop(child);
  }
}

function agentArguments(config: CollectorConfig): string[] {
  const args = ['run', '--data', config.data];
  return isLoopback(config.listen) ? args : [...args, '--token-file', ownToken(config.data)];
}

/** A collector that listens beyond this machine asks our agent for a token too. */
function ownToken(dataDir: string): string {
  const path = join(dataDir, 'agent', 'token');
  const files = new AccessFiles(dataDir);
  if (existsSync(path) && files.isToken(readFileSync(path, 'utf8').trim())) return path;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileDurably(path, `${files.createToken('npm start', Date.now())}\n`);
  return path;
}

function spawnProgram(
  file: string,
  args: readonly string[],
  { stdout, env = {} }: { stdout: 'pipe' | 'ignore'; env?: Readonly<Record<string, string>> },
): ChildProcess {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  // In a group of their own, so that Ctrl-C reaches this script alone and it can stop them in
  // order; over the channel they notice when it is gone, whatever ended it.
  return spawn(process.execPath, [path, ...args], {
    detached: true,
    stdio: ['ignore', stdout, 'inherit', 'ipc'],
    // As agent/launch.js has it: without the compiler of TypeScript each thread is 10 MB smaller.
    env: { NODE_COMPILE_CACHE: codeCache, ...process.env, ...env },
  });
}

interface Ready {
  readonly url: string;
  /** The one-time link, when the page asks for one. */
  readonly entryUrl: string | undefined;
}

/** What the collector says once it listens; undefined when it ends before. */
async function readyLines(
  collector: ChildProcess,
  { listen }: CollectorConfig,
): Promise<Ready | undefined> {
  if (collector.stdout === null) throw new Error('the collector has no output');
  let url: string | undefined;
  for await (const line of createInterface({ input: collector.stdout })) {
    url ??= /^ready (\S+)$/.exec(line)?.[1];
    const entryUrl = /(\S+\/enter\?code=\S+)$/.exec(line)?.[1];
    if (url !== undefined && (isLoopback(listen) || entryUrl !== undefined)) {
      return { url, entryUrl };
    }
  }
  return undefined;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
  await exit;
  clearTimeout(timer);
}
