/** Verifies files against a list of checksums, and says what `sha256sum --check` says. */
import { isUtf8 } from 'node:buffer';
import { plural } from '../../runtime/plural.ts';
import { type ChecksumLine, formatResult, parseLine } from './checksum-line.ts';
import { hashFiles, type HashOptions } from './hash-files.ts';
import { reasonOf } from './outcome.ts';
import { quoted } from './quoted.ts';

export interface Printer {
  /** Results, a line each, without its end; in `latin1` a character is a byte. */
  readonly print: (line: string, encoding?: 'latin1') => void;
  /** What went wrong, likewise. */
  readonly complain: (line: string) => void;
}

interface Tally {
  malformed: number;
  unreadable: number;
  mismatched: number;
}

export interface CheckList {
  /** As it was named, for messages. */
  readonly name: string;
  /** A character for each byte: names need be no UTF-8. */
  readonly text: string;
}

/** @returns whether there was something to verify and all of it matched */
export async function checkList(
  { name, text }: CheckList,
  printer: Printer,
  options: HashOptions,
): Promise<boolean> {
  const { entries, malformed } = entriesOf(text);
  if (entries.length === 0) {
    printer.complain(`${quoted(name)}: no properly formatted checksum lines found`);
    return false;
  }
  const tally: Tally = { malformed, unreadable: 0, mismatched: 0 };
  let n = 0;
  for await (const outcome of hashFiles(
    entries.map((entry) => pathOf(entry.name)),
    options,
  )) {
    const entry = entries[n];
    n += 1;
    if (entry === undefined) break;
    if ('error' in outcome) {
      printer.complain(`${quoted(bytesOf(entry.name))}: ${reasonOf(outcome.error)}`);
      printer.print(formatResult(entry.name, 'FAILED open or read'), 'latin1');
      tally.unreadable += 1;
    } else {
      const matches = outcome.digest === entry.digest;
      printer.print(formatResult(entry.name, matches ? 'OK' : 'FAILED'), 'latin1');
      if (!matches) tally.mismatched += 1;
    }
  }
  for (const warning of warningsOf(tally)) printer.complain(`WARNING: ${warning}`);
  return tally.unreadable === 0 && tally.mismatched === 0;
}

function entriesOf(text: string): { entries: ChecksumLine[]; malformed: number } {
  const entries: ChecksumLine[] = [];
  let malformed = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue;
    const entry = parseLine(line);
    if (entry === undefined) malformed += 1;
    // No name has a byte 0: sha256sum takes what is before it.
    else entries.push({ ...entry, name: entry.name.replace(/\0.*$/s, '') });
  }
  return { entries, malformed };
}

function bytesOf(name: string): Buffer {
  return Buffer.from(name, 'latin1');
}

function pathOf(name: string): string | Buffer {
  const bytes = bytesOf(name);
  return isUtf8(bytes) ? bytes.toString() : bytes;
}

function warningsOf({ malformed, unreadable, mismatched }: Tally): string[] {
  const of = (count: number, one: string, more: string): string[] =>
    count === 0 ? [] : [plural(count, one, more)];
  return [
    ...of(malformed, 'line is improperly formatted', 'lines are improperly formatted'),
    ...of(unreadable, 'listed file could not be read', 'listed files could not be read'),
    ...of(mismatched, 'computed checksum did NOT match', 'computed checksums did NOT match'),
  ];
}
