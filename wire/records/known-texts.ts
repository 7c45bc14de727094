/**
 * Names that come again and again, as bytes: each is made a string and checked once, and found again
 * without either. A string that is made anew each time must be hashed anew wherever it is looked up.
 */

/** Names that are remembered; one that falls on another's place takes it. */
const textsMax = 4_096;
const quote = 0x22;
const backslash = 0x5c;
const firstVisible = 0x20;
const lastVisible = 0x7e;

export class KnownTexts {
  readonly #isGood: (text: string) => boolean;
  readonly #texts: (string | undefined)[] = Array.from({ length: textsMax });

  /** @param isGood whether a name of ASCII is one */
  constructor(isGood: (text: string) => boolean) {
    this.#isGood = isGood;
  }

  /** The name from `from` to the next quote before `end`; undefined when it is none, or not of plain ASCII. */
  read(bytes: Buffer, from: number, end = bytes.length): string | undefined {
    let hash = 0;
    let to = from;
    for (; to < end; to += 1) {
      const byte = bytes[to]!;
      if (byte === quote) break;
      if (byte < firstVisible || byte > lastVisible || byte === backslash) return undefined;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (to >= end) return undefined;
    // The low bits of the hash are mostly those of the last letter.
    const place = (hash ^ (hash >>> 15)) & (textsMax - 1);
    const known = this.#texts[place];
    if (known?.length === to - from && isTextAt(bytes, from, known)) return known;
    const text = bytes.toString('latin1', from, to);
    if (!this.#isGood(text)) return undefined;
    this.#texts[place] = text;
    return text;
  }
}

/** Whether these bytes are there, each a letter of the text. */
export function isTextAt(bytes: Buffer, from: number, text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    if (bytes[from + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}
