/**
 * Bounds of time that the product promises, measured on a machine that others use too. On one that
 * nobody else uses they are as strict as they read.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const runsMax = 5;
const tickMs = 10;

/**
 * Others make what is measured slower and never faster: a run that was in time shows that the promise
 * is kept, and where it is not kept no run is in time.
 * @returns what the first run in time measured, else the last one
 */
export async function inTimeOnce<T>(
  measure: (run: number) => Promise<T>,
  isInTime: (measured: T) => boolean,
): Promise<T> {
  for (let run = 1; ; run += 1) {
    const measured = await measure(run);
    if (run === runsMax || isInTime(measured)) return measured;
  }
}

/** Time without that in which we, or the programs that we have begun, could have run and others did. */
export class Stopwatch {
  readonly #startMs = performance.now();
  readonly #heldUpMs = heldUpMsByPid();
  readonly #stolenMs = stolenMs();

  get ownMs(): number {
    let ownMs = performance.now() - this.#startMs - (stolenMs() - this.#stolenMs);
    for (const [pid, ms] of heldUpMsByPid()) ownMs -= ms - (this.#heldUpMs.get(pid) ?? 0);
    return ownMs;
  }
}

/** Of this process and all that come of it: how long each was ready to run and did not. */
function heldUpMsByPid(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const pid of readdirSync('/proc').map(Number).filter(Boolean)) {
    const stat = textOf(`/proc/${pid}/stat`);
    parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === process.pid || isOurs(parents.get(pid)));
  return new Map(
    [...parents.keys()].filter(isOurs).map((pid) => {
      const [, waitedNs] = textOf(`/proc/${pid}/schedstat`).split(' ');
      return [pid, Number(waitedNs ?? 0) / 1e6];
    }),
  );
}

/** What other guests of the host had of our processors, for each of them. */
function stolenMs(): number {
  const [, , , , , , , , steal = 0] = textOf('/proc/stat')
    .split('\n', 1)
    .join()
    .split(/ +/)
    .map(Number);
  return (steal * tickMs) / cpus().length;
}

/** '' of a process that has ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
