/** Starts the real programs for tests, on loopback, on ports that the system chooses. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endAtLast } from './left-behind.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where launch.js puts compiled code: with it a collector starts in 0.2 s, without in 0.5 s. */
const CODE_CACHE = join(ROOT, 'node_modules/.cache/windrow');
/** As package.json's `bin` has them. */
const ENTRIES = { agent: 'agent/launch.js', collector: 'collector/main.ts' } as const;
/**
 * What takes the place of the sources: `dist` is what `npm run build` has made, else it is a folder
 * of cut-programs.ts.
 */
const programs = process.env['WINDROW_PROGRAMS'];
/** Bytes of a program's output that are kept for a failure's message. */
const outputCharsMax = 64 * 1024;
const stopMsMax = 20_000;

export interface TempDir extends Disposable {
  readonly path: string;
}

export function tempDir(): TempDir {
  const path = mkdtempSync(join(tmpdir(), 'windrow-test-'));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  const forget = endAtLast(remove);
  return {
    path,
    [Symbol.dispose]() {
      forget();
      remove();
    },
  };
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The beginning of a command line that runs it: another program and its options. */
  readonly under?: readonly string[];
  /** A single file in place of the program that the tests are about. */
  readonly executable?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program's environment: ours without the settings of whoever runs the tests. */
function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('WINDROW_'));
  return { NODE_COMPILE_CACHE: CODE_CACHE, ...Object.fromEntries(own), ...extra };
}

function spawnProgram(name: 'agent' | 'collector', args: readonly string[], options: RunOptions) {
  const own = options.executable === undefined ? commandOf(name) : [options.executable];
  const command = [...(options.under ?? []), ...own, ...args];
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: options.cwd ?? ROOT,
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const forget = endAtLast(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  child.once('exit', forget).once('error', forget);
  return child;
}

/** The beginning of a command line that runs it. */
export function commandOf(name: 'agent' | 'collector'): string[] {
  if (programs === 'dist') return [join(ROOT, 'dist', `windrow-${name}-linux-x64`)];
  const entry = ENTRIES[name];
  const path =
    programs === undefined ? join(ROOT, entry) : join(programs, entry.replace(/\.ts$/, '.js'));
  return [process.execPath, path];
}

/** Runs one verb to its end. */
export async function run(
  name: 'agent' | 'collector',
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const child = spawnProgram(name, args, options);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** SIGTERM, and waits for the end. @returns the exit code */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** How it ended though nobody had asked it to: `code 1`, `SIGSEGV`; undefined when it did not. */
  endedByItself(): string | undefined;
  /** All that it wrote to stderr, bounded. */
  log(): string;
}

export interface RunningCollector extends Program {
  readonly url: string;
  readonly dataDir: string;
  readonly entryUrl: string | undefined;
}

export interface CollectorOptions extends RunOptions {
  /** A folder of its own, removed at the end, when not given. */
  readonly dataDir?: string;
  readonly port?: number;
  readonly args?: readonly string[];
}

/** Starts a collector and waits until it is ready. */
export async function startCollector(options: CollectorOptions = {}): Promise<RunningCollector> {
  const own = options.dataDir === undefined ? tempDir() : undefined;
  const dataDir = options.dataDir ?? own?.path ?? '';
  const args = ['serve', '--port', String(options.port ?? 0), '--data', dataDir];
  const child = spawnProgram('collector', [...args, ...(options.args ?? [])], options);
  const program = programOf(child, () => own?.[Symbol.dispose]());
  let url: string | undefined;
  let entryUrl: string | undefined;
  const guarded = options.args?.includes('--listen') === true;
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    url ??= /^ready (\S+)$/.exec(line)?.[1];
    entryUrl ??= /(http\S+\/enter\S+)$/.exec(line)?.[1];
    if (url !== undefined && (!guarded || entryUrl !== undefined)) break;
  }
  child.stdout.resume();
  if (url === undefined) throw new Error(`the collector did not start:\n${program.log()}`);
  return { ...program, url, dataDir, entryUrl };
}

export interface AgentOptions extends RunOptions {
  readonly to: string;
  readonly args?: readonly string[];
}

/** Starts an agent; it samples at once. */
export async function startAgent({ to, args = [], ...options }: AgentOptions): Promise<Program> {
  const own = tempDir();
  // Not as a flag, which --kafka among the arguments would exclude.
  const env = { WINDROW_TO: to, ...options.env };
  const child = spawnProgram('agent', ['run', '--data', own.path, ...args], { ...options, env });
  child.stdout.resume();
  return programOf(child, () => own[Symbol.dispose]());
}

export interface Verb extends Program {
  /** All that it wrote to stdout, bounded. */
  output(): string;
  /** Waits for its end. @returns the exit code */
  ended(): Promise<number | null>;
}

/** Starts a verb of the agent, which would end by itself. */
export function startVerb(args: readonly string[], options: RunOptions = {}): Verb {
  const child = spawnProgram('agent', args, options);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-outputCharsMax);
  });
  const closed = once(child, 'close');
  return {
    ...programOf(child, () => {}),
    output: () => output,
    async ended() {
      await closed;
      return child.exitCode;
    },
  };
}

export interface Script extends Program {
  send(message: object): void;
}

/** Starts a script of the tests' own, with a channel to it: it ends when we do. */
export function startScript(path: string, args: readonly string[], options: RunOptions): Script {
  const child = spawn(process.execPath, [join(ROOT, path), ...args], {
    cwd: options.cwd ?? ROOT,
    env: environment(options.env),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  // A message to one that is ending is of no use to anybody.
  return { ...programOf(child, () => {}), send: (message) => void child.send(message, () => {}) };
}

function programOf(child: ChildProcess, cleanUp: () => void): Program {
  let log = '';
  let asked = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-outputCharsMax);
  });
  const closed = once(child, 'close');
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const { exitCode, signalCode } = child;
    asked ||= exitCode === null && signalCode === null;
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
    await closed;
    clearTimeout(timer);
    return child.exitCode;
  };
  return {
    pid: child.pid ?? -1,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
    endedByItself() {
      const { exitCode, signalCode } = child;
      if (asked || (exitCode === null && signalCode === null)) return undefined;
      return signalCode ?? `code ${exitCode}`;
    },
    log: () => log,
    async [Symbol.asyncDispose]() {
      await end('SIGTERM');
      cleanUp();
    },
  };
}
