/** Verifies files against a list of checksums, and says what `sha256sum --check` says. */
import { getSystemErrorMessage } from 'node:util';
import { type ChecksumLine, formatResult, parseLine } from './checksum-line.ts';
import { hashFiles, type HashOptions } from './hash-files.ts';
import type { HashError } from './outcome.ts';

export interface Printer {
  /** Results, a line each, without its end. */
  readonly print: (line: string) => void;
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
    printer.complain(`${shown(name)}: no properly formatted checksum lines found`);
    return false;
  }
  const tally: Tally = { malformed, unreadable: 0, mismatched: 0 };
  let n = 0;
  for await (const outcome of hashFiles(
    entries.map((entry) => entry.name),
    options,
  )) {
    const entry = entries[n];
    n += 1;
    if (entry === undefined) break;
    if ('error' in outcome) {
      printer.complain(`${shown(entry.name)}: ${reasonOf(outcome.error)}`);
      printer.print(formatResult(entry.name, 'FAILED open or read'));
      tally.unreadable += 1;
    } else {
      const matches = outcome.digest === entry.digest;
      printer.print(formatResult(entry.name, matches ? 'OK' : 'FAILED'));
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
    else entries.push(entry);
  }
  return { entries, malformed };
}

function warningsOf({ malformed, unreadable, mismatched }: Tally): string[] {
  const of = (count: number, one: string, more: string): string[] =>
    count === 0 ? [] : [`${count} ${count === 1 ? one : more}`];
  return [
    ...of(malformed, 'line is improperly formatted', 'lines are improperly formatted'),
    ...of(unreadable, 'listed file could not be read', 'listed files could not be read'),
    ...of(mismatched, 'computed checksum did NOT match', 'computed checksums did NOT match'),
  ];
}

/** A name in a message: one that would break the line is quoted. */
export function shown(name: string): string {
  return /[\p{Cc}]/u.test(name) ? JSON.stringify(name) : name;
}

export function reasonOf({ errno, message }: HashError): string {
  return errno === undefined ? message : getSystemErrorMessage(errno);
}
