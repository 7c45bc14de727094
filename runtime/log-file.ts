/**
 * A log in files, for a program that has no stderr: `NAME`, and older ones as `NAME.1` to `NAME.3`.
 *
 * Invariant: a file is at most `fileBytesMax` and one line long. A line that cannot be written is
 * dropped: there is nowhere left to say so, and the program must go on. Where a new file cannot be
 * opened, each line tries again.
 */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/** Some weeks of an agent that has nothing to complain about. */
const fileBytesMaxDefault = 10 * 1024 * 1024;
const olderMax = 3;
const ownerAlone = 0o600;

export class LogFile {
  readonly #path: string;
  readonly #bytesMax: number;
  /** Undefined while none could be opened. */
  #fd: number | undefined;
  #bytes: number;

  /**
   * Goes on with the file that is there.
   * @throws Error of the system when it cannot be opened
   */
  constructor(path: string, fileBytesMax = fileBytesMaxDefault) {
    this.#path = path;
    this.#bytesMax = fileBytesMax;
    this.#fd = openSync(path, 'a', ownerAlone);
    this.#bytes = fstatSync(this.#fd).size;
  }

  write(line: string): void {
    try {
      if (this.#fd !== undefined && this.#bytes >= this.#bytesMax) this.#moveAway(this.#fd);
      this.#fd ??= this.#openNew();
      this.#bytes += writeSync(this.#fd, line);
    } catch {
      // Dropped.
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  #moveAway(fd: number): void {
    for (let age = olderMax; age > 1; age -= 1) rename(this.#named(age - 1), this.#named(age));
    // Closed also where that fails. Windows does not rename a file that somebody has open, us included.
    this.#fd = undefined;
    try {
      closeSync(fd);
    } finally {
      rename(this.#path, this.#named(1));
    }
  }

  /** Still the same file when it could not be moved: then its lines go. */
  #openNew(): number {
    // Windows cuts no file that is open for appending.
    const fd = openSync(this.#path, 'w', ownerAlone);
    this.#bytes = 0;
    return fd;
  }

  #named(age: number): string {
    return `${this.#path}.${age}`;
  }
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // Not there yet, or held open by a reader.
  }
}
