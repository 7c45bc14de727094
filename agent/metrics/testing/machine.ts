/** Machines for tests: folders that look like /proc and /sys, and a clock that is told the time. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../runtime/clock.ts';
import { KeptFile } from '../linux/kept-file.ts';
import { Scan } from '../linux/scan.ts';
import type { Draft, Source } from '../source.ts';

export class ManualClock implements Clock {
  #wall = 1_700_000_000_000;
  #monotonic = 1_000_000;

  wallMs(): number {
    return this.#wall;
  }

  monotonicMs(): number {
    return this.#monotonic;
  }

  advance(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }

  /** The machine sleeps: only wall time goes on. */
  sleep(ms: number): void {
    this.#wall += ms;
  }
}

/** A machine of 7,000 processes has 14,000 files of a page each; a container may grant less. */
const memoryBytesMin = 256 * 1024 * 1024;
const home = hasRoom('/dev/shm') ? '/dev/shm' : tmpdir();

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, frsize } = statfsSync(folder);
  return bavail * frsize >= memoryBytesMin;
}

/** A temporary folder with `proc` and `sys`, gone when the test ends. */
export class Machine {
  readonly root = mkdtempSync(join(home, 'windrow-machine-'));
  readonly clock = new ManualClock();
  readonly procRoot = join(this.root, 'proc');
  readonly sysRoot = join(this.root, 'sys');

  constructor(fixture?: 'server' | 'container') {
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
    if (fixture === undefined) return;
    cpSync(join(import.meta.dirname, '../linux/fixtures', fixture), this.root, { recursive: true });
  }

  /** Writes in place, as the kernel does: kept descriptors see the new content. */
  write(path: string, content: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true, force: true });
  }

  /** `path` is below `proc`. */
  file(path: string): KeptFile {
    const file = new KeptFile(join(this.procRoot, path), new Scan());
    onTestFinished(() => file.close());
    return file;
  }
}

/** A cursor over text. */
export function scanOf(text: string | Buffer): Scan {
  const scan = new Scan();
  const bytes = Buffer.from(text);
  while (scan.bytes.length < bytes.length) scan.grow();
  bytes.copy(scan.bytes);
  scan.begin(bytes.length);
  return scan;
}

/** One reading of one source. */
export function readOnce(source: Source): Draft {
  const draft: Draft = { unavailable: {} };
  source.read(draft);
  return draft;
}

/** A source's second reading, one second after the first; `change` is what happened between. */
export function readTwice(source: Source, machine: Machine, change: () => void): Draft {
  source.read({ unavailable: {} });
  machine.clock.advance(1000);
  change();
  return readOnce(source);
}
