/** strace on our own programs: it tells their system calls, and makes some of them fail. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const lookEveryMs = 50;

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
  // strace 6.1 may wait for ever on a thread of a process that a signal of its own has killed, and
  // that process keeps its connections meanwhile.
  const looking = setInterval(() => {
    if (hasEnded(pid)) strace.kill('SIGKILL');
  }, lookEveryMs);
  void closed.then(() => clearInterval(looking));
  return async () => {
    strace.kill('SIGINT');
    await closed;
  };
}

/** Whether its first thread is gone; others may be left. */
function hasEnded(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return true;
  }
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
