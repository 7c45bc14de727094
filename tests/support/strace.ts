/** strace on our own programs: it tells their system calls, and makes some of them fail. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Attaches to a process and all its threads. @returns how to let go of it */
export async function attachStrace(
  pid: number,
  args: readonly string[],
): Promise<() => Promise<void>> {
  const strace = spawn('strace', ['-f', ...args, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // It says so when it has attached.
  await once(strace.stderr, 'data');
  const closed = once(strace, 'close');
  return async () => {
    strace.kill('SIGINT');
    await closed;
  };
}

/**
 * Options that make calls on these paths fail as on a broken disk.
 * @param calls comma-separated
 * @param callsMax how many fail for each thread; all when not given
 */
export function brokenDisk(calls: string, paths: readonly string[], callsMax?: number): string[] {
  const until = callsMax === undefined ? '' : `:when=1..${callsMax}`;
  return [
    ...paths.flatMap((path) => ['-P', path]),
    '-e',
    `trace=${calls}`,
    '-e',
    `inject=${calls}:error=EIO${until}`,
    '-o',
    '/dev/null',
  ];
}
