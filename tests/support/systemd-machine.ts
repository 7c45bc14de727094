/** A running systemd of the tests' own, in namespaces; see systemd-machine.sh. Needs root. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { eventually } from './http.ts';
import { tempDir } from './programs.ts';
import { missing } from './tools.ts';

const CLONE = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const SCRIPT = fileURLToPath(new URL('systemd-machine.sh', import.meta.url));
const commandMsMax = 60_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SystemdMachine extends AsyncDisposable {
  /** Runs a program in it, as root. */
  run(program: string, ...args: readonly string[]): Ended;
  /** A property of a unit, as `systemctl show` says it. */
  property(unit: string, name: string): string;
  /** Waits until another process is ready in the place of that one: 60 s at most. */
  isReplaced(unit: string, pid: string): Promise<void>;
  /** What is in the journal of a unit, all that was written by now. */
  journal(unit: string): string;
  /** Writes a file below its /etc/windrow. */
  configure(name: string, text: string): void;
}

export interface MachineOptions {
  /** By name below /etc/windrow. */
  readonly settings: Readonly<Record<string, string>>;
  /** Lines of a unit that are other than what is installed. */
  readonly overrides: Readonly<Record<string, string>>;
  /** Whether our units are installed, as for a clone; `none` leaves that to the test. */
  readonly units?: 'of a clone' | 'none';
}

/** Starts systemd, with our units installed unless told otherwise, the clone in /opt/windrow. */
export async function startSystemd({
  settings,
  overrides,
  units = 'of a clone',
}: MachineOptions): Promise<SystemdMachine> {
  const folder = tempDir();
  const at = (name: string): string => join(folder.path, name);
  for (const name of ['machine', 'settings', 'units']) mkdirSync(at(name));
  if (units === 'of a clone') {
    cpSync(join(CLONE, 'config', 'systemd'), at('units'), { recursive: true });
  }
  for (const [unit, text] of Object.entries(overrides)) {
    mkdirSync(at(join('units', `${unit}.d`)));
    writeFileSync(at(join('units', `${unit}.d`, 'test.conf')), text);
  }
  for (const [name, text] of Object.entries(settings))
    writeFileSync(at(join('settings', name)), text);
  const own = ['--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child'];
  const parts = [at('machine'), CLONE, at('units'), at('settings')];
  const unshare = spawn('unshare', [...own, SCRIPT, ...parts], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [unshare.stdout, unshare.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const closed = once(unshare, 'close');
  const run = (program: string, ...args: readonly string[]): Ended => {
    const { pid } = unshare;
    const [first = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    const enter = ['--target', first, '--mount', '--pid', '--uts', '--ipc', '--cgroup'];
    const options = { encoding: 'utf8', timeout: commandMsMax } as const;
    const ended = spawnSync('nsenter', [...enter, program, ...args], options);
    return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr };
  };
  const machine: SystemdMachine = {
    run,
    property(unit, name) {
      const { code, stdout, stderr } = run(
        'systemctl',
        'show',
        '--value',
        `--property=${name}`,
        unit,
      );
      // Else a manager that does not answer would have said ''.
      expect([code, stderr]).toEqual([0, '']);
      return stdout.trim();
    },
    isReplaced: (unit, pid) =>
      eventually(async () => {
        // 0 while there is none. Read first: `active` may still be said of the one that is gone.
        expect(['0', pid]).not.toContain(machine.property(unit, 'MainPID'));
        expect(machine.property(unit, 'ActiveState')).toBe('active');
      }, 60_000),
    journal(unit) {
      // The journal reads what a unit wrote some time after it was written.
      expect(run('journalctl', '--sync')).toMatchObject({ code: 0 });
      return run('journalctl', '--no-pager', '--output=cat', `--unit=${unit}`).stdout;
    },
    configure(name, text) {
      const { code, stderr } = run('sh', '-c', `printf %s "$1" > "/etc/windrow/$0"`, name, text);
      expect([code, stderr]).toEqual([0, '']);
    },
    async [Symbol.asyncDispose]() {
      unshare.kill('SIGKILL');
      await closed;
      await removeGroup(basename(folder.path));
      folder[Symbol.dispose]();
    },
  };
  try {
    await eventually(async () => {
      expect(run('systemctl', 'is-system-running').stdout, output).toBe('running\n');
    });
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
  return machine;
}

/** Empty groups stay behind those that were in them. */
async function removeGroup(name: string): Promise<void> {
  using folder = tempDir();
  const remove = `mount -t cgroup2 windrow-test "$0" && find "$0/$1" -depth -type d -exec rmdir {} +`;
  // The kernel ends the processes a moment after their first one.
  await eventually(async () => {
    execFileSync('unshare', ['--mount', 'sh', '-c', remove, folder.path, name], { stdio: 'pipe' });
  });
}

/** Whether this user may have one; in CI the tests must run, so there a refusal is their failure. */
export function mayStartSystemd(): boolean {
  if (process.env['CI']) return true;
  if (missing('systemd-analyze', 'unshare', 'nsenter')) return false;
  return spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status === 0;
}
