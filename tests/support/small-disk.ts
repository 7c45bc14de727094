/** A disk that is soon full: a small tmpfs. Mounting needs root; CI has it. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemCodeOf } from '../../runtime/errors.ts';

export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Takes up all that is free. */
  fill(): void;
  /** Frees what `fill` took. */
  makeRoom(): void;
}

export function smallDisk(kib: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'windrow-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'windrow-test', path]);
  const filler = join(path, 'filler');
  return {
    path,
    fill() {
      // In ever smaller pieces, down to the last byte.
      for (const bytes of [64 * 1024, 4 * 1024, 64, 1]) {
        const piece = Buffer.alloc(bytes);
        while (fits(() => appendFileSync(filler, piece)));
      }
    },
    makeRoom() {
      rmSync(filler);
    },
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', path]);
      rmdirSync(path);
    },
  };
}

function fits(write: () => void): boolean {
  try {
    write();
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOSPC') return false;
    throw error;
  }
}

/** Whether this user may mount; in CI the tests must run, so there a refusal is their failure. */
export function mayMount(): boolean {
  if (process.env['CI']) return true;
  try {
    smallDisk(64)[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}
