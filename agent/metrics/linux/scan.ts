/**
 * A cursor over the bytes of one /proc file. One buffer serves every file, so what it holds is
 * gone with the next read. Bytes are parsed in place: no string is made of what is not kept.
 */
const zero = 0x30;
const space = 0x20;
const tab = 0x09;
const newline = 0x0a;
const dot = 0x2e;

/** Large enough for the files of a small machine; `grow` does the rest. */
const firstBytes = 16 * 1024;

export class Scan {
  bytes: Buffer = Buffer.allocUnsafeSlow(firstBytes);
  /** Bytes of content. */
  length = 0;
  /** Index of the next byte; never beyond `length`. */
  at = 0;

  /** Doubles the buffer and keeps its content. */
  grow(): void {
    const larger = Buffer.allocUnsafeSlow(this.bytes.length * 2);
    this.bytes.copy(larger);
    this.bytes = larger;
  }

  /** Starts at the first of `length` bytes of new content. */
  begin(length: number): void {
    this.length = length;
    this.at = 0;
  }

  get ended(): boolean {
    return this.at >= this.length;
  }

  /** To the first byte of the next line, or to the end. */
  nextLine(): void {
    // Buffer's own checks its arguments for longer than it searches.
    const end = Uint8Array.prototype.indexOf.call(this.bytes, newline, this.at);
    this.at = end < 0 || end >= this.length ? this.length : end + 1;
  }

  skipSpaces(): void {
    while (this.at < this.length && isSpace(this.bytes[this.at])) this.at += 1;
  }

  /** Past `count` words of this line. */
  skipWords(count: number): void {
    for (let word = 0; word < count; word += 1) {
      this.skipSpaces();
      while (this.at < this.length && !isBreak(this.bytes[this.at])) this.at += 1;
    }
  }

  /** The next word of this line; '' at its end. */
  word(): string {
    this.skipSpaces();
    const start = this.at;
    while (this.at < this.length && !isBreak(this.bytes[this.at])) this.at += 1;
    return this.bytes.toString('latin1', start, this.at);
  }

  /** What stands before `stop` on this line, which is passed; undefined when it does not come. */
  wordBefore(stop: number): string | undefined {
    this.skipSpaces();
    const start = this.at;
    while (this.at < this.length && !isBreak(this.bytes[this.at])) {
      if (this.bytes[this.at] !== stop) {
        this.at += 1;
        continue;
      }
      this.at += 1;
      return this.bytes.toString('latin1', start, this.at - 1);
    }
    return undefined;
  }

  /** The digits that come next on this line as a number; NaN when none do. */
  number(): number {
    this.skipSpaces();
    const { bytes, length } = this;
    let at = this.at;
    let value = 0;
    for (; at < length; at += 1) {
      const digit = (bytes[at] ?? 0) - zero;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === this.at) return Number.NaN;
    this.at = at;
    return value;
  }

  /** A number that may have decimals (`0.25`); NaN when none comes. */
  decimal(): number {
    const whole = this.number();
    if (Number.isNaN(whole) || this.bytes[this.at] !== dot || this.at >= this.length) return whole;
    this.at += 1;
    const start = this.at;
    const fraction = this.number();
    return this.at === start ? whole : whole + fraction / 10 ** (this.at - start);
  }

  /** Passes `prefix` and returns true if it comes next. */
  take(prefix: Buffer): boolean {
    const end = this.at + prefix.length;
    if (end > this.length) return false;
    const { bytes, at } = this;
    for (let index = 0; index < prefix.length; index += 1) {
      if (bytes[at + index] !== prefix[index]) return false;
    }
    this.at = end;
    return true;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === space || byte === tab;
}

function isBreak(byte: number | undefined): boolean {
  return byte === space || byte === tab || byte === newline;
}
