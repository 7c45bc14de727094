/**
 * Lines of checksum files, as sha256sum of GNU coreutils 9 writes and reads them. Pure.
 *
 * ```
 * line    = ["\"] 64 hex digits " " (" " | "*") name | ["\"] "SHA256 (" name ") = " 64 hex digits
 * ```
 * A line that begins with a backslash has a name in which `\\`, `\n` and `\r` stand for a backslash,
 * a line feed and a carriage return.
 */
export interface ChecksumLine {
  /** In lower case. */
  readonly digest: string;
  readonly name: string;
}

export function formatLine({ digest, name }: ChecksumLine): string {
  return /[\\\n\r]/.test(name) ? `\\${digest}  ${escaped(name)}` : `${digest}  ${name}`;
}

/** What verifying a file came to. Here only a name of several lines is escaped. */
export function formatResult(name: string, result: string): string {
  return name.includes('\n') ? `\\${escaped(name)}: ${result}` : `${name}: ${result}`;
}

/** @returns undefined when it is no such line */
export function parseLine(line: string): ChecksumLine | undefined {
  const { mark, digest, name } = (GNU.exec(line) ?? BSD.exec(line))?.groups ?? {};
  if (digest === undefined || name === undefined) return undefined;
  if (mark === '') return { digest: digest.toLowerCase(), name };
  if (!/^(?:[^\\]|\\[\\nr])*$/.test(name)) return undefined;
  const text = name.replace(/\\([\\nr])/g, (_, char: string) => MEANINGS[char] ?? char);
  return { digest: digest.toLowerCase(), name: text };
}

function escaped(name: string): string {
  return name.replace(/[\\\n\r]/g, (char) => ESCAPES[char] ?? char);
}

const GNU = /^[ \t]*(?<mark>\\?)(?<digest>[0-9a-fA-F]{64})[ \t](?![ *]$)[ *]?(?<name>.+)$/s;
const BSD = /^[ \t]*(?<mark>\\?)SHA256 ?\((?<name>.+)\)[ \t]*=[ \t]*(?<digest>[0-9a-fA-F]{64})$/s;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' };
const MEANINGS: Readonly<Record<string, string>> = { '\\': '\\', n: '\n', r: '\r' };
