/**
 * A log in files, for a program that has no stderr: `NAME`, and older ones as `NAME.1` to `NAME.3`.
 *
 * Invariant: a file is at most `fileBytesMax` and one line long. A line that cannot be written is
 * dropped: there is nowhere left to say so, and the program must go on.
 */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/** Some weeks of an agent that has nothing to complain about. */
const fileBytesMaxDefault = 10 * 1024 * 1024;
const olderMax = 3;
const ownerAlone = 0o600;

export class LogFile {
  readonly #path: string;
  readonly #bytesMax: number;
  #fd: number;
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
      if (this.#bytes >= this.#bytesMax) this.#rotate();
      this.#bytes += writeSync(this.#fd, line);
    } catch {
      // Dropped.
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #rotate(): void {
    try {
      for (let age = olderMax; age > 1; age -= 1) rename(this.#named(age - 1), this.#named(age));
      // Windows does not rename a file that somebody has open, us included.
      closeSync(this.#fd);
      rename(this.#path, this.#named(1));
    } finally {
      // Still the same when it could not be renamed: then its lines go. Windows cuts no file that is
      // open for appending.
      this.#fd = openSync(this.#path, 'w', ownerAlone);
      this.#bytes = 0;
    }
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
