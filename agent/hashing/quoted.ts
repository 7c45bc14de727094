/**
 * Names of files in messages, as GNU coreutils 9 writes them: as they are, or in quotes that a shell
 * takes back. Pure.
 */
import { isUtf8 } from 'node:buffer';

/** A character, or a byte that is of none. */
type Char = string | number;

const special = /[ !"$&'()*:;<=>?[\\^`|]/;
/** In double quotes it reads better, where nothing else is special. */
const plainBesideQuote = /^[#~]?[^!"#$&()*;<=>?[\\^`{|}~]*$/;
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** @param name as it was given, or as bytes, which need be no UTF-8 */
export function quoted(name: string | Buffer): string {
  const chars = [...charsOf(Buffer.from(name))];
  const text = chars.join('');
  if (!chars.some(isEscaped)) {
    if (text !== '' && !/^[#~]|^[{}]$/.test(text) && !special.test(text)) return text;
    if (text.includes("'") && plainBesideQuote.test(text)) return `"${text}"`;
  }
  return inSingleQuotes(chars);
}

/** `$'…'` around what cannot be shown. */
function inSingleQuotes(chars: readonly Char[]): string {
  let text = "'";
  let isInEscape = false;
  for (const char of chars) {
    if (isEscaped(char)) {
      text += `${isInEscape ? '' : "'$'"}${escapeOf(char)}`;
      isInEscape = true;
      continue;
    }
    if (char === "'") text += String.raw`'\''`;
    else text += `${isInEscape ? "''" : ''}${char}`;
    isInEscape = false;
  }
  return `${text}'`;
}

function* charsOf(bytes: Buffer): Generator<Char> {
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find((n) => isUtf8(bytes.subarray(at, at + n)));
    yield length === undefined ? (bytes[at] ?? 0) : bytes.toString('utf8', at, at + length);
    at += length ?? 1;
  }
}

function isEscaped(char: Char): boolean {
  return typeof char === 'number' || unprintable.test(char);
}

function escapeOf(char: Char): string {
  const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;
  if (typeof char === 'number') return octal(char);
  return ESCAPES[char] ?? [...Buffer.from(char)].map(octal).join('');
}
