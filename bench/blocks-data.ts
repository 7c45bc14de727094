/** Files for the benchmarks of blocks: text, programs and random bytes, a third each. */
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const pieceBytes = 8 * 1024 * 1024;

export const KINDS = ['text', 'binaries', 'random'] as const;

export type Kind = (typeof KINDS)[number];

/** @returns the path of each kind's file, of `bytes` each */
export function makeFiles<K extends Kind>(
  folder: string,
  bytes: number,
  kinds: readonly K[],
): Readonly<Record<K, string>> {
  const program = readFileSync(process.execPath);
  let at = 0;
  const fillers: Readonly<Record<Kind, (piece: Buffer) => void>> = {
    text: (piece) => void piece.fill(logLines()),
    // The program that runs us, again and again: LZ4 looks back 64 KiB, no further.
    binaries(piece) {
      for (let filled = 0; filled < piece.length; ) {
        const count = program.copy(piece, filled, at);
        filled += count;
        at = (at + count) % program.length;
      }
    },
    random: (piece) => void randomFillSync(piece),
  };
  return Object.fromEntries(
    kinds.map((kind) => [kind, makeFile(join(folder, kind), bytes, fillers[kind])]),
  ) as Record<K, string>;
}

function makeFile(path: string, bytes: number, fill: (piece: Buffer) => void): string {
  const fd = openSync(path, 'w');
  const piece = Buffer.alloc(pieceBytes);
  for (let left = bytes; left > 0; left -= pieceBytes) {
    fill(piece);
    writeSync(fd, piece, 0, Math.min(left, pieceBytes));
  }
  closeSync(fd);
  return path;
}

/** Some 300 kB, no two lines alike. */
function logLines(): Buffer {
  const lines = Array.from({ length: 4_000 }, (_, index) => {
    const ms = Math.floor(Math.random() * 1e6);
    return `2026-01-15T12:${index % 60}:00Z INFO request ${ms} took ${ms % 977} ms for user ${ms % 4_099}\n`;
  });
  return Buffer.from(lines.join(''));
}

/** `--gib N` of the command line. */
export function gibOf(args: readonly string[], fallback: number, name = '--gib'): number {
  const [flag, text] = args;
  if (flag === undefined) return fallback;
  const gib = Number(text);
  if (flag === name && gib > 0 && gib <= 64) return gib;
  throw new Error(`the option is ${name} N, up to 64`);
}
