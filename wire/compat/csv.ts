/**
 * CSV as RFC 4180 has it, read from text that comes in pieces of any size; no I/O.
 *
 *   file   = *(record newline) [record]               newline = LF / CRLF
 *   record = field *("," field)
 *   field  = *(any but , " newline) / <"> *(any but " / <"><">) <">
 *
 * Empty lines are skipped. A quote inside a field that does not begin with one stands for itself.
 * Invariant: what is held is less than one record, and never more than `csvRecordCharsMax`
 * characters and the piece that came last.
 */

/** Characters of one record; beyond it the record is malformed and is not held. */
export const csvRecordCharsMax = 16 * 1024;
/** Characters of a malformed record that are kept for people to look at. */
const excerptCharsMax = 200;

/** `line` is where the record begins, counted from 1. */
export type CsvRecord =
  | { readonly line: number; readonly fields: readonly string[]; readonly text: string }
  | { readonly line: number; readonly malformed: string; readonly text: string };

export class CsvFramer {
  #held = '';
  #line = 1;
  /** Inside a line that was too long: nothing counts until its newline. */
  #skipping = false;

  /** The records that this piece completes. */
  *push(piece: string): Generator<CsvRecord> {
    this.#held += piece;
    yield* this.#take(csvRecordCharsMax);
  }

  /** The record that no newline ends. The framer is of no use afterwards. */
  *end(): Generator<CsvRecord> {
    this.#held += '\n';
    yield* this.#take(0);
  }

  /** Takes what is complete; of what is not, up to `holdCharsMax` may wait for more. */
  *#take(holdCharsMax: number): Generator<CsvRecord> {
    const held = this.#held;
    let from = this.#skipping ? this.#skipLine(0) : 0;
    while (from < held.length) {
      const end = recordEnd(held, from);
      if (end === -1 && held.length - from <= holdCharsMax) break;
      const record = end === -1 ? faultOf(held, from) : splitRecord(held.slice(from, end));
      if (record) yield { line: this.#line, ...record };
      const to = end === -1 ? this.#skipLine(from) : end + 1;
      if (end !== -1) this.#line += newlinesIn(held, from, to);
      from = to;
    }
    this.#held = held.slice(from);
  }

  /** Index after the next newline; when there is none yet, all is dropped until it comes. */
  #skipLine(from: number): number {
    const newline = this.#held.indexOf('\n', from);
    this.#skipping = newline === -1;
    if (newline === -1) return this.#held.length;
    this.#line++;
    return newline + 1;
  }
}

/** Index of the newline that ends the record, or −1 when it is not within the bound. */
function recordEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + csvRecordCharsMax + 1);
  const newline = text.indexOf('\n', from);
  if (newline === -1) return -1;
  if (!text.slice(from, newline).includes('"')) return newline < limit ? newline : -1;
  let quoted = false;
  let closedAt = -1;
  for (let i = from; i < limit; i++) {
    const char = text.charAt(i);
    if (!quoted && char === '\n') return i;
    if (char !== '"') continue;
    // A quoted field begins at a quote that begins a field, and goes on at a doubled quote.
    const opens = i === from || text.charAt(i - 1) === ',' || closedAt === i - 1;
    if (quoted) closedAt = i;
    if (quoted || opens) quoted = !quoted;
  }
  return -1;
}

type Content = { fields: string[]; text: string } | { malformed: string; text: string };

/** What keeps the text from being a record: a line too long, or a quote that nothing closes. */
function faultOf(held: string, from: number): Content {
  const newline = held.indexOf('\n', from);
  const tooLong = newline === -1 || newline - from > csvRecordCharsMax;
  return {
    malformed: tooLong
      ? `is longer than ${csvRecordCharsMax} characters`
      : 'a quoted field is not closed',
    text: excerpt(held.slice(from, newline === -1 ? undefined : newline)),
  };
}

/** A record without its newline; null when it is empty. */
function splitRecord(line: string): Content | null {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text === '') return null;
  if (!text.includes('"')) return { fields: text.split(','), text: excerpt(text) };
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|((?!")[^,]*))(,|$)/y;
  for (let separator: string | undefined = ','; separator === ','; ) {
    const match = field.exec(text);
    if (!match) return { malformed: 'has text after a quoted field', text: excerpt(text) };
    const [, quoted, plain = ''] = match;
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    separator = match[3];
  }
  return { fields, text: excerpt(text) };
}

function excerpt(text: string): string {
  return text.slice(0, excerptCharsMax).trimEnd();
}

function newlinesIn(text: string, from: number, to: number): number {
  let count = 0;
  for (let i = text.indexOf('\n', from); i !== -1 && i < to; i = text.indexOf('\n', i + 1)) count++;
  return count;
}
