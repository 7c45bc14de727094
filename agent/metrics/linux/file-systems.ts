/**
 * Space and inodes of the local file systems, by statfs(2), in the sense of df(1):
 * used = blocks − free, and 100 % is reached when what is left is root's reserve.
 */
import { statfsSync, statSync, type StatsFs } from 'node:fs';
import type { Clock } from '../../../runtime/clock.ts';
import { fileSystemsMax, nameCharsMax } from '../../../wire/limits.ts';
import type { FileSystem } from '../../../wire/records/sample.ts';
import { percentOf, wholeAmount } from '../numbers.ts';
import { type Draft, markUnavailable, reasonOf, type Source } from '../source.ts';
import type { KeptFile } from './kept-file.ts';
import { measurable, parseMounts } from './mounts.ts';

/**
 * How old the list of mounts may be. Reading it takes the kernel's lock on the mount table and,
 * with a few thousand mounts of a container host, milliseconds: too much for every tick.
 */
const mountsAgeMsMax = 10_000;

export class FileSystemSource implements Source {
  readonly metrics = ['fs', 'disk_used_pct'] as const;
  readonly #file: KeptFile;
  readonly #clock: Clock;
  /** The bytes that `#mountPoints` was made from; the list is made anew only if they change. */
  #mountsBytes: Buffer = Buffer.alloc(0);
  #mountPoints: readonly string[] = [];
  #checkedMs = Number.NEGATIVE_INFINITY;

  constructor(file: KeptFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  read(draft: Draft): void {
    this.#refreshMounts();
    const measured: FileSystem[] = [];
    let failure: unknown;
    for (const mountPoint of this.#mountPoints) {
      if (measured.length === fileSystemsMax) break;
      try {
        const fileSystem = fileSystemOf(mountPoint, statfsSync(mountPoint));
        if (fileSystem !== undefined) measured.push(fileSystem);
      } catch (error) {
        // Unmounted since the list was read: the others still count, and the list is old.
        failure = error;
        this.#checkedMs = Number.NEGATIVE_INFINITY;
      }
    }
    if (measured.length === 0) {
      const reason = failure === undefined ? 'no file system has a size' : reasonOf(failure);
      markUnavailable(draft, this.metrics, reason);
      return;
    }
    draft.fs = measured;
    draft.disk_used_pct = Math.max(...measured.map((fileSystem) => fileSystem.used_pct));
  }

  close(): void {
    this.#file.close();
  }

  #refreshMounts(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#checkedMs < mountsAgeMsMax) return;
    const scan = this.#file.read();
    this.#checkedMs = nowMs;
    const bytes = scan.bytes.subarray(0, scan.length);
    if (this.#mountPoints.length > 0 && bytes.equals(this.#mountsBytes)) return;
    this.#mountsBytes = Buffer.from(bytes);
    const chosen = measurable(parseMounts(scan), isFolder);
    // A container's root is an overlay, whose size is that of the host's file system below it.
    this.#mountPoints = chosen.length > 0 ? chosen : ['/'];
  }
}

/** What statfs(2) says of one file system; undefined for one that has no size. */
export function fileSystemOf(mountPoint: string, stats: StatsFs): FileSystem | undefined {
  const usedBlocks = stats.blocks - stats.bfree;
  const usableBlocks = usedBlocks + stats.bavail;
  if (!(stats.blocks > 0) || !(usableBlocks > 0)) return undefined;
  const fileSystem: FileSystem = {
    mount: mountPoint.slice(0, nameCharsMax),
    total: wholeAmount(stats.blocks * stats.frsize),
    used: wholeAmount(usedBlocks * stats.frsize),
    used_pct: percentOf(usedBlocks, usableBlocks),
  };
  // btrfs makes inodes as it needs them and says 0.
  if (stats.files > 0) fileSystem.inodes_pct = percentOf(stats.files - stats.ffree, stats.files);
  return fileSystem;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
